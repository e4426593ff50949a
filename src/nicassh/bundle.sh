# shellcheck shell=sh disable=SC2154
# The frame of every bundle. Forks per probe: the probe's shell and the head that bounds it; one ticker for all.
LC_ALL=C PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export LC_ALL PATH
unset ENV BASH_ENV CDPATH POSIXLY_CORRECT GREP_OPTIONS
ticks=0 total=0 watched=
trap tick USR1
trap '' HUP
# One signal a second, because a timeout command is missing on some nodes and cannot do enough on el6.
(
    trap 'kill "$nap" 2>/dev/null; exit 0' TERM
    while :; do
        sleep 1 &
        nap=$!
        wait "$nap"
        kill -USR1 $$ 2>/dev/null || exit 0
    done
) </dev/null >/dev/null 2>&1 &
ticker=$!

# Kills what runs in this script's session, apart from the shell itself and the ticker: a probe with all that
# it started, also what it put into the background. Reads /proc with the shell alone.
reap() {
    # A tick in the midst of this would put another process's line where a pid is being judged.
    trap '' USR1
    read -r line <"/proc/$$/stat" || return
    # shellcheck disable=SC2086
    set -- ${line##*) }
    session=$4
    # In a container that we came into from outside, 0 stands for every session begun outside.
    [ "$session" = 0 ] && kill -9 "$watched" && trap tick USR1 && return
    for entry in /proc/[0-9]*; do
        read -r line 2>/dev/null <"$entry/stat" || continue
        # shellcheck disable=SC2086
        set -- ${line##*) }
        pid=${entry#/proc/}
        if [ "$4" = "$session" ] && [ "$pid" != $$ ] && [ "$pid" != "$ticker" ] && [ "$2" != "$ticker" ]; then
            kill -9 "$pid" 2>/dev/null
        fi
    done
    trap tick USR1
}

# Counts a second. A parent that has changed means that the connection is gone: then nothing stays behind.
tick() {
    ticks=$((ticks + 1)) total=$((total + 1))
    read -r own <"/proc/$$/stat" || return
    # shellcheck disable=SC2086
    set -- ${own##*) }
    if [ "$2" != "$PPID" ]; then
        reap
        kill "$ticker"
        exit 1
    fi
}

# run NAME SECONDS SCRIPT
run() {
    [ "$total" -ge "$deadline" ] && return
    printf '%s begin %s\n' "$mark" "$1"
    printf '%s begin %s\n' "$mark" "$1" >&2
    (
        trap - HUP USR1
        trap 'printf "\n%s exit %s\n" "$mark" "$?"' EXIT
        eval "$3"
    ) </dev/null | head -c "$limit" &
    watched=$! ticks=0 reason=ok
    while :; do
        wait "$watched"
        # A tick ends the wait as well: only then does the process still exist.
        kill -0 "$watched" 2>/dev/null || break
        if [ "$ticks" -gt "$2" ] || [ "$total" -ge "$deadline" ]; then
            reason=timeout
            reap
            # bash tells of the killed job, and would do so in the next probe's errors. A tick ends this at the latest.
            wait "$watched" 2>/dev/null
            break
        fi
    done
    printf '\n%s close %s %s\n' "$mark" "$1" "$reason"
    printf '\n%s close %s %s\n' "$mark" "$1" "$reason" >&2
}

finish() {
    kill "$ticker" 2>/dev/null
    printf '\n%s end\n' "$mark"
    exit 0
}
