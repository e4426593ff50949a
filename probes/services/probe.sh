#!/bin/sh
# The daemons of a cluster, what says that one should be there, and the clock. On a plain node two greps, and a date
# where the shell has no clock of its own; systemctl, and chronyc or ntpq, where there is something to ask. grep -H
# puts the file's name before every line, so that no process can pass a line of its own for another's.
cd "${root-}/proc" || exit 77
newline='
'
IFS=$newline
# In mksh printf is a program, to be forked and with a limit on its arguments; echo would take \040 for a blank.
# shellcheck disable=SC3061
say() { if [ -n "${KSH_VERSION-}" ]; then print -r -- "$1"; else printf '%s\n' "$1"; fi; }
read -r first 2>/dev/null <1/stat
read -r host <sys/kernel/hostname
# shellcheck disable=SC3028
now=${EPOCHSECONDS:-${EPOCHREALTIME-}}
now=${now%[.,]*}
say "time ${now:-$(date +%s)}${newline}host $host"
# Where process 1 cannot be seen, /proc hides others as well: daemons that are not seen may be there.
if [ -z "${root-}$first" ]; then echo hidden; fi

# Kernel names have 15 characters. Only the sshd that listens and the cron that waits are children of process 1.
names='sge_(qmaster|execd|shadowd)|slurm(ctld|d|dbd|restd)|munged|condor_(master|startd|schedd|collecto|negotiat)'
names="$names|xrootd|cmsd|xproofd|chronyd|ntpd|systemd-timesyn|automount|cvmfs2|eosxd|afsd|afs_rxlistener"
listed="[0-9]+ \\((($names|proofserv(\\.exe)?)\\)|(sshd|crond?)\\) [A-Z] [01]|nfsd\\) [A-Z] 2) "
# shellcheck disable=SC2154
found=$(grep -aHsE "^($listed|btime |UID_MIN|[^ ]+ [^ ]+ ($hanging) )" [0-9]*/stat stat mounts ../etc/login.defs)
# Some processes end meanwhile, and grep fails for them. A grep that was killed has not seen all.
[ $? -lt 128 ] || exit 1
say "$found"

minimum=1000 uids=0 real=0 effective=0 people='' own='' others='' away='' sockets='' dead=''
set -f --
for line in $found; do
    case $line in
    mounts:*)
        line=${line#mounts:* }
        away=$away${line%% *}$newline
        continue
        ;;
    ../etc/login.defs:*[0-9])
        minimum=${line##*[!0-9]}
        continue
        ;;
    [0-9]*/stat:*) ;;
    *) continue ;;
    esac
    pid=${line%%/*} name=${line#*\(} state=${line#*\) } word=''
    name=${name%%\)*} state=${state%% *}
    case $name:$state in proofserv* | nfsd:*) continue ;; *:[ZX]) dead="$dead|$pid" && continue ;; esac
    [ -r "$pid/status" ] || continue
    while [ "$word" != Uid: ] && IFS=' 	' read -r word real effective _; do :; done 2>/dev/null <"$pid/status"
    set -- "$@" "$pid/status" "$pid/cmdline"
    for uid in "$real" "$effective"; do
        case "|$uids|" in *"|$uid|"*) ;; *) uids="$uids|$uid" ;; esac
    done
    case $name in sge_* | slurm* | condor_* | xrootd | cmsd | xproofd) sockets="net/tcp${newline}net/tcp6" ;; esac
    case $name in
    xrootd | cmsd | xproofd)
        one="$pid $name $effective $state$newline"
        if [ "$real" -lt "$minimum" ]; then own=$own$one; else others=$others$one; fi
        ;;
    condor_*) ;;
    *) continue ;;
    esac
    [ "$effective" -lt "$minimum" ] || people=$people$effective$newline
done
set +f
# The arguments of a process stand between NULs on its first line, unless one of them has a newline.
open='[ ]*[0-9]+: [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:0000 0A '
# shellcheck disable=SC2086
grep -aHsE "^(Uid:|NSpid:|[^ :]*($names|sshd|crond?)|$open|[^:]*:[^:]*:($uids):)" "$@" $sockets ../etc/passwd
[ $? -lt 128 ] || exit 1

# What is started at boot, under the init that runs here. Some of it does not run: systemd is asked why.
missing=''
if [ -d ../run/systemd/system ]; then
    set -- ../etc/systemd/system/*.wants/*.service ../run/systemd/generator.late/*.wants/*.service
else
    set --
    case $first in '1 (init)'*) set -- ../etc/rc3.d/S[0-9][0-9]* ../etc/runlevels/default/* ;; esac
fi
for file; do
    name=${file##*/}
    case $file in */rc3.d/*) name=${name#S??} ;; esac
    program=${name%.service}
    case ${program%%@*} in
    sgemaster* | sgeexecd* | sge_qmaster | sge_execd | gridengine-master | gridengine-exec*) program=sge_ ;;
    slurmctld | slurmd | slurmdbd | slurmrestd) program="$program)" ;;
    # Where ordinary accounts have such daemons, only systemd knows whether it is its own that runs.
    condor | xrootd | xrootd-privileged | cmsd | cmsd-privileged | xproofd)
        program=${program%%[@-]*}
        [ -z "$people" ] || program=unknown
        ;;
    munge) program=munged ;;
    ssh | sshd) program=sshd ;;
    chrony | chronyd) program=chronyd ;;
    ntp | ntpd | ntpsec) program=ntpd ;;
    systemd-timesyncd) program=systemd-timesyn ;;
    autofs) program=automount ;;
    cron | crond) program=cron ;;
    nfs | nfs-server | nfs-kernel-server) program=nfsd ;;
    afs | openafs-client) program=afs ;;
    *) continue ;;
    esac
    [ -e "$file" ] || continue
    say "enabled $name"
    case $found in *"($program"*) ;; *) missing=$missing$name$newline ;; esac
done
set -- ../var/run/*.pid ../var/run/munge/*.pid ../var/run/chrony/*.pid ../var/run/slurm*/*.pid ../var/run/condor/*.pid \
    ../var/run/gridengine/*.pid ../var/run/sge/*.pid ../var/run/xrootd/*.pid ../var/run/xrootd/*/*.pid
for file; do
    pid=''
    { [ -f "$file" ] && read -r pid <"$file"; } 2>/dev/null
    case $pid in '' | *[!0-9]*) continue ;; esac
    if [ -d "$pid" ]; then
        case "$dead|" in *"|$pid|"*) ;; *) say "alive $pid ${file#../var/run/}" && continue ;; esac
    fi
    say "gone $pid ${file#../var/run/}"
done
for line in ${units-}; do say "unit $line"; done
for place in ${SGE_ROOT-} /var/lib/gridengine /opt/sge; do
    for point in $away; do
        case $place/ in "$point"/*) continue 2 ;; esac
    done
    line='' file=${root-}$place/${SGE_CELL:-default}/common/act_qmaster
    { [ -f "$file" ] && read -r line <"$file"; } 2>/dev/null
    [ -z "$line" ] || say "act_qmaster $line"
done

# The configuration of an xrootd may lie on a mount that hangs, and its server may hang itself.
if [ -n "$own$others" ]; then
    echo 'section xrootd'
    # shellcheck disable=SC2086,SC2154
    start_guarded "xrootd of $host" sh -c "$ask" ask "$host" "${root-}" $own $others
    wait_guarded "${patience:-20}" || :
fi

echo 'section clock'
case $found in
*'(chronyd)'*) if command -v chronyc >/dev/null; then chronyc -n tracking 2>&1; fi ;;
*'(ntpd)'*) if command -v ntpq >/dev/null; then ntpq -pn 2>&1; fi ;;
*'(systemd-timesyn)'*) if [ -e ../run/systemd/timesync/synchronized ]; then echo synchronized; fi ;;
esac

if [ -d ../run/systemd/system ]; then
    echo 'section units'
    set -f
    what=Id,LoadState,ActiveState,SubState,Result,MainPID,User,ConditionResult,ConditionTimestampMonotonic
    what=$what,ActiveEnterTimestampMonotonic,InactiveEnterTimestampMonotonic
    # `--failed` sieves what a pattern finds; units that are named come in any state.
    # shellcheck disable=SC2086
    timeout -s KILL 8 systemctl show --failed -p "$what" -- '*' $missing ${units-} 2>/dev/null
    say "status $?"
    set +f
fi
# An ordinary account may be one of LDAP.
if [ -n "$people" ] && [ -z "${root-}" ] && command -v getent >/dev/null; then
    echo 'section accounts'
    # shellcheck disable=SC2086
    getent passwd $people
fi
echo end
