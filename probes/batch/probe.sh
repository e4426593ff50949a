#!/bin/sh
# The batch systems whose commands this node has, asked one command after the other. sources.py tells the format.
# Grid Engine and Slurm print times of the local zone without naming it: all are asked for in UTC.
TZ=UTC0
export TZ
newline='
'
top=${root-}

# Sets `now` to a second of the node's uptime, which no clock can set.
look() { IFS=' ' read -r now _ </proc/uptime && now=${now%%.*}; }

# Gives the next system its part of the time that is left: as much as to each that comes after it.
share() {
    look
    until=$((now + (end - now) / systems)) systems=$((systems - 1))
}

# query SYSTEM COMMAND…: fails with 1 where the command does, and with 2 where it hangs, or its system has no time left.
query() {
    system=$1 guards_failed=''
    shift
    look
    if [ "$now" -ge "$until" ]; then
        printf 'guard %s %s late\n' "$system" "$*"
        return 2
    fi
    # shellcheck disable=SC2154
    start_guarded "$system $*" sh -c "$ask" sh "$@" || return 2
    look
    if [ $((until - now)) -ge 12 ]; then wait_guarded 12; else wait_guarded $((until - now)); fi || return 2
    [ -z "$guards_failed" ]
}

# seek NAME COMMAND…: looks for a system under guard, and sets `answer` to what that prints. Where it hangs it fails,
# and `lost` says so. What others may write is refused.
seek() {
    name=$1
    shift
    answer=$(start_guarded "$name" "$@" && wait_guarded 5)
    for line in $answer; do
        case $line in
        *' hung' | *' stuck') lost=$line && return 1 ;;
        refused*) case $refused in *"${line#refused }$newline"*) ;; *) refused="$refused$line$newline" ;; esac ;;
        esac
    done
}

# reach FOLDERS PROGRAM…: sets `place` to the folder that has the programs, or to nothing where PATH has them; fails
# where there are none.
reach() {
    place='' folders=$1
    shift
    command -v "$1" >/dev/null && return
    # shellcheck disable=SC2154
    seek "$1" sh -c "$trust$reach" sh "$top" "$folders" "$@" || return
    for line in $answer; do
        case $line in /*) place=$line && return ;; esac
    done
    return 1
}

ask_sge() {
    IFS=$newline
    for setting in $settings; do
        # shellcheck disable=SC2163
        case $setting in SGE_[A-Z_]*=* | LD_LIBRARY_PATH=* | PATH=*) export "$setting" ;; esac
    done
    IFS=' '
    # A client that works without any settings is a site's wrapper; one that then knows of no master is a package that
    # nobody has set up.
    if [ -z "${SGE_ROOT-}" ]; then
        answer=$(query sge qhost -help)
        case $answer in
        *act_qmaster* | *'cell directory'*) return 1 ;;
        *' hung' | *' stuck' | *' late') printf '%s\n' "$answer" && return ;;
        esac
    fi
    # Torque and Slurm have a qstat too, but no qhost; the qstat beside qhost is the right one.
    qhost=$(command -v qhost)
    PATH=${qhost%/*}:$PATH
    if query sge qhost -q -j -xml && query sge qstat -u '*' -s prs -xml; then
        query sge qstat -g c -xml
        [ $? = 2 ] || query sge qstat -help
    fi
    return 0
}

# scontrol ping knows at once whether a controller is there; all other commands try for ten seconds. Without any
# configuration it is a client that nobody has set up. Until 19.05 it waits a minute for the file to come.
ask_slurm() {
    PATH=${slurm:+$slurm:}$PATH
    # The account's own settings must not choose what is told, nor how.
    unset SLURM_CLUSTERS SLURM_TIME_FORMAT SCONTROL_FEDERATION SCONTROL_FUTURE SCONTROL_SIB SCONTROL_SIBLING \
        SQUEUE_ACCOUNT SQUEUE_ARRAY SQUEUE_ARRAY_UNIQUE SQUEUE_CLUSTERS SQUEUE_FEDERATION SQUEUE_FORMAT \
        SQUEUE_FORMAT2 SQUEUE_LICENSES SQUEUE_NAMES SQUEUE_NODELIST SQUEUE_PARTITION SQUEUE_PRIORITY SQUEUE_QOS \
        SQUEUE_SIB SQUEUE_SIBLING SQUEUE_SORT SQUEUE_STATES SQUEUE_USERS
    # Of a federation this cluster alone, and lists of array tasks in full. No user knows the end: it ends each job,
    # whatever its name holds, and the list of them.
    SCONTROL_LOCAL=1 SQUEUE_LOCAL=1 SLURM_BITSTR_LEN=0 end=$(cat /proc/sys/kernel/random/uuid)
    format="%i|%F|%K|%A|%t|%u|%U|%P|%C|%S|%V|%l|%N|%j|%R|$end"
    export SCONTROL_LOCAL SQUEUE_LOCAL SLURM_BITSTR_LEN end format
    answer=$(
        query slurm scontrol --version
        [ $? = 2 ] || query slurm scontrol ping
    )
    case $answer in
    *'establish a configuration source'*) return 1 ;;
    *' hung') [ "$(command -v scontrol)${SLURM_CONF-}" != /usr/bin/scontrol ] ||
        [ -e "$top/etc/slurm/slurm.conf" ] || [ -e "$top/etc/slurm-llnl/slurm.conf" ] || return 1 ;;
    esac
    printf '%s\n' "$answer"
    # shellcheck disable=SC2016
    case $answer in *' is UP'* | *' are UP'* | *' are DOWN/UP'*)
        query slurm sh -c 'scontrol -a show nodes --json 2>/dev/null || scontrol -a -o show node' &&
            query slurm scontrol -a -o show partition &&
            query slurm sh -c 'echo "$end"; squeue -a -h -o "$format" && echo "$end" || squeue -a --json'
        ;;
    esac
    return 0
}

# A client without a collector is one that nobody has set up either.
ask_condor() {
    PATH=${condor:+$condor:}$PATH
    answer=$(query condor condor_config_val COLLECTOR_HOST)
    case $answer in
    *' hung' | *' stuck' | *' late') printf '%s\n' "$answer" && return ;;
    *" 0$newline "[!\ ]*) printf '%s\n' "$answer" ;;
    *) return 1 ;;
    esac
    machine=Machine,SlotType,State,Activity,Cpus,Memory,TotalSlotCpus,TotalLoadAvg,DetectedCpus,DetectedMemory
    machine=$machine,TotalCpus,TotalMemory,Draining,DrainReason,LastDrainStartTime
    job=ClusterId,ProcId,TotalSubmitProcs,GlobalJobId,Owner,User,JobStatus,JobUniverse,JobBatchName,Cmd,RequestCpus
    job=$job,CpusProvisioned,RemoteHost,RemoteHosts,QDate,JobCurrentStartDate,JobStartDate,AllowedJobDuration,HoldReason
    query condor condor_status -json -attributes "$machine" &&
        query condor condor_q -global -allusers -json -attributes "$job" && query condor condor_version
    return 0
}

# First it is found out which systems there are; then each has its part of the time.
look
# shellcheck disable=SC2154
end=$((now + limit - limit / 10 - 1))
found='' lost='' refused='' settings='' known='' systems=0
IFS=$newline
set -f
if [ -z "${SGE_ROOT-}" ] || ! command -v qhost >/dev/null; then
    # shellcheck disable=SC2154
    if seek 'sge SGE_ROOT' sh -c "$trust$search" sh "$top"; then settings=$answer; fi
fi
case $settings in *"${newline}PATH="*) known=sge ;; *) ! command -v qhost >/dev/null || known=sge ;; esac
if [ -z "$known" ] && [ -n "${SGE_ROOT-}" ] && [ -n "$lost" ]; then
    found=1
    printf '%s\n' "$lost"
fi
places="$top/opt/slurm*/bin $top/opt/slurm/*/bin $top/usr/local/slurm*/bin $top/cm/shared/apps/slurm/current/bin"
if reach "$places" scontrol squeue; then
    slurm=$place known=$known${newline}slurm
fi
if reach "$top/opt/condor*/bin $top/usr/local/condor*/bin" condor_status condor_q condor_config_val condor_version; then
    condor=$place known=$known${newline}condor
fi
for system in $known; do systems=$((systems + 1)); done
for system in $known; do
    share
    (IFS=' ' && "ask_$system") && found=1
done
if [ -z "$found" ] && [ -n "$lost" ]; then
    echo "the search for a batch system hung on a mount that does not answer" >&2
    exit 1
elif [ -z "$found" ]; then
    for line in $refused; do
        printf '%s is not used: others than root and system accounts may write there\n' "${line#refused }" >&2
    done
    exit 77
fi
printf '%s' "$refused"
echo end
