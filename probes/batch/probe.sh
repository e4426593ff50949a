#!/bin/sh
# The batch systems whose commands this node has, asked one command after the other. sources.py tells the format.
# Grid Engine and Slurm print times of the local zone without naming it: all are asked for in UTC.
TZ=UTC0
export TZ

# Prints each line of a command's output behind a blank, what it says on stderr behind `error`, and ends as it did.
# What the shell itself has to say of it, such as `Segmentation fault`, counts as said by the command.
# shellcheck disable=SC2016
ask='
exec 4>&1
said=$({ { "$@" 3>&- 4>&-; echo "exit $?" >&3; } 2>&3 | sed "s/^/ /" >&4; } 3>&1)
errors=${said%exit *}
[ -z "$errors" ] || { echo; echo "$errors" | sed -n "/./{1,20s/^/error /p;}"; }
exit "${said##*exit }"'

# query SYSTEM COMMAND…: fails where the command hangs, and then the system need not be asked for more.
query() {
    system=$1
    shift
    guarded "$system $*" sh -c "$ask" sh "$@" && await 12
}

# Prints the settings of the first installation of Grid Engine whose cell names a master, as a login would have them.
# $1 is the top of the tree. It looks at disks that may be a dead server's, so it runs guarded, and the surest places
# come first: the login's own, those of running daemons, those that profiles name, and last the usual ones.
# shellcheck disable=SC2016
search='
exec 2>/dev/null
top=$1
names="SGE_ROOT SGE_CELL SGE_CLUSTER_NAME SGE_QMASTER_PORT SGE_EXECD_PORT LD_LIBRARY_PATH PATH"
settle() {
    for common in "$1/${SGE_CELL:-default}/common" "$1"/*/common; do
        master=
        read -r master <"$common/act_qmaster"
        [ -n "$master" ] || continue
        SGE_ROOT=$1 SGE_CELL=${common%/common} PATH=$1/bin/$("$1/util/arch"):$PATH
        SGE_CELL=${SGE_CELL##*/}
        [ ! -r "$common/settings.sh" ] || . "$common/settings.sh" >/dev/null
        command -v qhost >/dev/null || return
        for name in $names; do eval "[ -z \"\${$name-}\" ] || echo \"$name=\$$name\""; done
        exit 0
    done
    return 1
}
# Any user may name a process so, but may not write where system accounts alone can.
trusted() {
    root=$top$1
    [ -n "$1" ] || return
    set --
    for folder in "$root/bin" "$root/util" "$root"/*/common; do
        while [ -n "$folder" ] && [ "$folder" != "$top" ]; do set -- "$@" "$folder" && folder=${folder%/*}; done
    done
    ls -ldnL "$@" | awk "\$3 >= 500 || substr(\$1, 9, 1) == \"w\" { bad = 1 } END { exit bad }"
}
given() { echo "${SGE_ROOT-}"; }
running() {
    for stat in $(grep -lsE "^[0-9]+ \(sge_(qmaster|execd)\) " "$top"/proc/[0-9]*/stat); do
        place=$(tr "\000" "\n" <"${stat%stat}cmdline" | sed -n "1s,/bin/[^/]*/sge_[a-z]*$,,p")
        trusted "$place" && echo "$place"
    done
}
written() {
    in="[-_[:alnum:]./]" out="[^-_[:alnum:]./]"
    sed -n "s,^.*$out\(/$in*\)/[^/]*/common/settings\.sh.*$,\1,p; s,^.*SGE_ROOT=$out*\(/$in*\).*$,\1,p" \
        "$top"/etc/profile.d/*sge*.sh "$top"/etc/profile.d/*gridengine*.sh "$top"/etc/default/gridengine
}
usual() {
    cd "$top/" && ls -d opt/sge* opt/gridengine opt/ogs* opt/uge* opt/ocs* opt/gcs* gridware/sge \
        usr/share/gridengine var/lib/gridengine cm/shared/apps/sge/* | sed "s,^,/,"
}
for places in given running written usual; do
    for place in $($places); do (settle "$top$place") && exit; done
done'

found='' lost=''
if [ -z "${SGE_ROOT-}" ] || ! command -v qhost >/dev/null; then
    settings=$(guarded 'sge SGE_ROOT' sh -c "$search" sh "${root-}" && await 5)
    case $settings in *' hung' | *' stuck') lost=$settings ;; esac
    oldifs=$IFS IFS='
'
    set -f
    for setting in $settings; do
        # shellcheck disable=SC2163
        case $setting in SGE_[A-Z_]*=* | LD_LIBRARY_PATH=* | PATH=*) export "$setting" ;; esac
    done
    set +f
    IFS=$oldifs
fi
# Torque and Slurm have a qstat too, but no qhost; the qstat beside qhost is the right one. A client that works without
# any settings is a site's wrapper; one that then knows of no master is a package that nobody has set up.
if qhost=$(command -v qhost); then
    found=1
    if [ -z "${SGE_ROOT-}" ]; then
        case $(query sge qhost -help) in *act_qmaster* | *'cell directory'*) found='' ;; esac
    fi
fi
if [ -n "$found" ]; then
    (
        # shellcheck disable=SC2030
        PATH=${qhost%/*}:$PATH
        query sge qhost -q -j -xml && query sge qstat -u '*' -s prs -xml && query sge qstat -g c -xml && query sge qstat -help
    )
elif [ -n "$lost" ] && [ -n "${SGE_ROOT-}" ]; then
    found=1
    printf '%s\n' "$lost"
fi

# reach PROGRAM FOLDERS: fails where the program is neither in PATH nor in one of these folders; from these it puts the
# folder in front of the others, with all that belongs to it. They may lie on a dead server's disk.
reach() {
    command -v "$1" >/dev/null && return
    place=$(guarded "$1" sh -c "for place in $2; do [ -x \"\$place/$1\" ] && echo \"\$place\" && exit; done" && await 5)
    place=${place##*
}
    # shellcheck disable=SC2031
    case $place in
        /*) PATH=$place:$PATH ;;
        *' hung' | *' stuck') lost=$place && return 1 ;;
        *) return 1 ;;
    esac
}

# The account's own settings must not choose what is told, nor how.
unset SLURM_CLUSTERS SLURM_TIME_FORMAT SCONTROL_FEDERATION SCONTROL_FUTURE SCONTROL_SIB SCONTROL_SIBLING \
    SQUEUE_ACCOUNT SQUEUE_ARRAY SQUEUE_ARRAY_UNIQUE SQUEUE_CLUSTERS SQUEUE_FEDERATION SQUEUE_FORMAT SQUEUE_FORMAT2 \
    SQUEUE_LICENSES SQUEUE_NAMES SQUEUE_NODELIST SQUEUE_PARTITION SQUEUE_PRIORITY SQUEUE_QOS SQUEUE_SIB SQUEUE_SIBLING \
    SQUEUE_SORT SQUEUE_STATES SQUEUE_USERS
# Of a federation this cluster alone, and lists of array tasks in full.
SCONTROL_LOCAL=1 SQUEUE_LOCAL=1 SLURM_BITSTR_LEN=0
export SCONTROL_LOCAL SQUEUE_LOCAL SLURM_BITSTR_LEN
# scontrol ping knows at once whether a controller is there; all other commands try for ten seconds. Without any
# configuration it is a client that nobody has set up. Until 19.05 it waits a minute for the file to come.
top=${root-}
places="$top/opt/slurm*/bin $top/opt/slurm/*/bin $top/usr/local/slurm*/bin $top/cm/shared/apps/slurm/current/bin"
if reach scontrol "$places"; then
    asked=$(query slurm scontrol --version && query slurm scontrol ping)
    case $asked in
        *'establish a configuration source'*) asked='' ;;
        *' hung') [ "$(command -v scontrol)${SLURM_CONF-}" != /usr/bin/scontrol ] ||
            [ -e "$top/etc/slurm/slurm.conf" ] || [ -e "$top/etc/slurm-llnl/slurm.conf" ] || asked='' ;;
    esac
    [ -z "$asked" ] || { found=1 && printf '%s\n' "$asked"; }
    # No user knows this: it ends each job, whatever its name holds, and the list of them.
    end=$(cat /proc/sys/kernel/random/uuid)
    format="%i|%F|%K|%A|%t|%u|%U|%P|%C|%S|%V|%l|%N|%j|%R|$end"
    export end format
    # shellcheck disable=SC2016
    case $asked in *' is UP'* | *' are UP'* | *' are DOWN/UP'*)
        query slurm sh -c 'scontrol -a show nodes --json 2>/dev/null || scontrol -a -o show node' &&
            query slurm scontrol -a -o show partition &&
            query slurm sh -c 'echo "$end"; squeue -a -h -o "$format" && echo "$end" || squeue -a --json'
        ;;
    esac
fi
# A client without a collector is one that nobody has set up either.
if reach condor_status "$top/opt/condor*/bin $top/usr/local/condor*/bin"; then
    asked=$(query condor condor_config_val COLLECTOR_HOST)
    case $asked in
        *' hung' | *' stuck' | *' 0
 '[!\ ]*)
            found=1
            printf '%s\n' "$asked"
            ;;
        *) asked='' ;;
    esac
    machine=Machine,SlotType,State,Activity,Cpus,Memory,TotalSlotCpus,TotalLoadAvg,DetectedCpus,DetectedMemory
    machine=$machine,TotalCpus,TotalMemory,Draining,DrainReason,LastDrainStartTime
    job=ClusterId,ProcId,TotalSubmitProcs,GlobalJobId,Owner,User,JobStatus,JobBatchName,Cmd,RequestCpus,CpusProvisioned
    job=$job,RemoteHost,RemoteHosts,QDate,JobCurrentStartDate,JobStartDate,AllowedJobDuration,HoldReason
    case $asked in *' 0
'*)
        query condor condor_status -json -attributes "$machine" &&
            query condor condor_q -global -allusers -json -attributes "$job" && query condor condor_version
        ;;
    esac
fi
if [ -z "$found" ]; then
    [ -z "$lost" ] || { echo "the search for a batch system hung on a mount that does not answer" >&2 && exit 1; }
    exit 77
fi
echo end
