#!/bin/sh
# All processes from /proc, in eight forks however many there are. grep -H puts the file's name before every
# line, so that no process can pass a line of its own for another's, whatever its name or arguments hold.
# `interval` asks for two samples that many seconds apart: CPU per cent over that time.
# shellcheck disable=SC2094
cd "${root-}/proc" || exit 1
# Without getent (busybox), or below a test's root, the local accounts have to do.
lookup='getent passwd'
if [ -n "${root-}" ] || ! command -v getent >/dev/null; then lookup='cat ../etc/passwd #'; fi
# Where process 1 cannot be seen, /proc hides others: our own processes alone would look like an empty node.
if [ -z "${root-}" ] && ! read -r _ 2>/dev/null <1/stat; then read -r threads <loadavg && echo "hidden $threads"; fi
# What Grid Engine keeps of its running jobs on local disks: the extra group of a job, and its shepherd. A look at a
# network mount may hang, and a link may lead to one.
remote=' '
while read -r _ point type _; do
    may_hang "$type" && remote="$remote$point "
done 2>/dev/null <mounts
spool=
for system in sge gridengine/execd uge; do
    case $remote in *" /var "* | *" /var/spool "* | *" /var/spool/${system%/*}"[/\ ]*) continue ;; esac
    { [ -h "../var/spool/${system%/*}" ] || [ -h "../var/spool/$system" ]; } && continue
    for place in "../var/spool/$system"/*/active_jobs/*/; do
        [ -d "$place" ] && spool="$spool ${place}addgrpid ${place}pid"
    done
done
printf 'self %s\n' "$$"
if [ "${interval:-0}" != 0 ]; then
    read -r uptime _ <uptime && printf 'before %s\n' "$uptime"
    grep -aHs '' [0-9]*/stat
    sleep "$interval"
fi
read -r uptime _ <uptime && printf 'uptime %s\n' "$uptime"
{
    grep -aHs '' [0-9]*/stat [0-9]*/cmdline
    # shellcheck disable=SC2086
    grep -aHsE '^(Uid:|Groups:|Threads:|VmRSS:|btime |MemTotal:|UID_MIN|[0-9]+$)|slurm|:/sge/|htcondor|/session-' \
        [0-9]*/status [0-9]*/cgroup stat meminfo ../etc/login.defs $spool
    # Only root and the owner may read an environment; -o leaves all of it behind but these numbers.
    grep -aHszoE '^(JOB_ID|SGE_TASK_ID|SLURM_JOB_ID)=[0-9]+$' [0-9]*/environ
    echo
} | tr '\000' ' ' | LC_ALL=C awk -v lookup="$lookup" '
    # A command line may have 128 KiB, and a user may have many: 1 KiB of each, less once they make 1 MB.
    /^[0-9]+\/cmdline:/ {
        pid = substr($0, 1, index($0, "/"))
        room = (total > 1000000 ? 100 : 1040) - used[pid]
        if (room > 0) { $0 = substr($0, 1, room); used[pid] += length($0) + 1; total += length($0); print }
        next
    }
    /^[0-9]+\/status:Uid:/ { if ($3 ~ /^[0-9]+$/ && !($3 in seen)) { seen[$3]; uids = uids " " $3 } }
    { print }
    END { print "passwd"; fflush(); if (uids != "") system(lookup uids) }
'
echo end
