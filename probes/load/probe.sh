#!/bin/sh
# Load averages and the number of processes: /proc/loadavg, three lines of /proc/stat, a count of /proc/PID.
proc=${root-}/proc
read -r line <"$proc/loadavg" && printf 'loadavg %s\n' "$line"
set -- "$proc"/[0-9]*
printf 'pids %s\n' "$#"
grep -E '^(procs_running|procs_blocked) ' "$proc/stat"
