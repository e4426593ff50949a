#!/bin/sh
# Load averages and the number of processes: /proc/loadavg, three lines of /proc/stat, a count of /proc/PID.
proc=${root-}/proc
read -r line <"$proc/loadavg" && printf 'loadavg %s\n' "$line"
set -- "$proc"/[0-9]*
# With hidepid only the processes of this account are there, and their number tells nothing.
if [ -r "$proc/1/stat" ] || [ -n "${root-}" ]; then printf 'pids %s\n' "$#"; fi
grep -E '^(procs_running|procs_blocked) ' "$proc/stat" || exit 1
echo end
