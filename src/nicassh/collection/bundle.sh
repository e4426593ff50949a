# shellcheck shell=sh disable=SC2154
# The frame of every bundle. Forks per probe: the probe's shell and the head that bounds it; one ticker for all.
# An empty PATH, or an empty part of it, would be the folder that we are in.
LC_ALL=C PATH=${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export LC_ALL PATH
unset ENV BASH_ENV CDPATH POSIXLY_CORRECT GREP_OPTIONS
ticks=0 total=0 watched=
trap tick USR1
trap '' HUP
# One signal a tick, because a timeout command is missing on some nodes and cannot do enough on el6. All limits are
# counted in ticks. A tick is a second; only tests have shorter ones, for not every sleep knows fractions.
(
    trap 'kill "$nap" 2>/dev/null; exit 0' TERM
    while :; do
        sleep "$tick" &
        nap=$!
        wait "$nap"
        kill -USR1 $$ 2>/dev/null || exit 0
    done
) </dev/null >/dev/null 2>&1 &
ticker=$!

# kill_session: kills all processes of this script's session but this shell and the ticker: a probe with all that it
# started, also in the background. It reads /proc with the shell alone.
kill_session() {
    # A tick meanwhile would overwrite the variables with the line of another process.
    trap '' USR1
    read -r line <"/proc/$$/stat" || return
    # shellcheck disable=SC2086
    set -- ${line##*) }
    session=$4
    # In a container that was entered from outside, 0 stands for every session that began outside.
    [ "$session" = 0 ] && kill -9 "$watched" && trap tick USR1 && return
    reaped=' ' before=''
    # Repeated until there are no more: some are started while their parents still live.
    while [ "$reaped" != "$before" ]; do
        before=$reaped
        for entry in /proc/[0-9]*; do
            read -r line 2>/dev/null <"$entry/stat" || continue
            # shellcheck disable=SC2086
            set -- ${line##*) }
            pid=${entry#/proc/}
            [ "$4" = "$session" ] && [ "$pid" != $$ ] && [ "$pid" != "$ticker" ] && [ "$2" != "$ticker" ] || continue
            case $reaped in *" $pid "*) ;; *) kill -9 "$pid" 2>/dev/null && reaped="$reaped$pid " ;; esac
        done
    done
    trap tick USR1
}

# Counts a tick. A parent that has changed means that the connection is gone: then nothing stays behind.
tick() {
    ticks=$((ticks + 1)) total=$((total + 1))
    trap '' USR1
    # A child that ends meanwhile may end the read of busybox in the middle of the line. So it is read once more.
    if has_other_parent && has_other_parent; then
        kill_session
        kill "$ticker"
        exit 1
    fi
    trap tick USR1
}

# has_other_parent: succeeds if another process than at the beginning is the parent of this shell.
has_other_parent() {
    read -r own <"/proc/$$/stat" || return
    # shellcheck disable=SC2086
    set -- ${own##*) }
    [ "$2" != "$PPID" ]
}

# start_guarded NAME COMMAND…: starts a program that may hang, such as one that looks at a network mount, in the
# background. `wait_guarded` waits for it. NAME is one line that no other guarded command has. If a command of that name
# still hangs from an earlier run, no second one is started: it would stay in state D for as long as the first one.
# Prints `guard NAME STATUS` and then the whole output; or `guard NAME stuck`, and fails. Several that run at the same
# time may print 4 KiB each; longer outputs would be mixed. Where `timed` is set, the second line is `took BEGIN END`.
# A probe may have its own IFS and `set -f`. Variables whose names begin with guard belong to this frame.
start_guarded() {
    [ -n "${guards_left+known}" ] || guards_left=$(list_stuck)
    while :; do
        guard_rest=${guards_left%%":NICAMON_GUARD=${root-}$1;
"*}
        [ "$guard_rest" = "$guards_left" ] && break
        guard_line=${guard_rest##*/proc/}
        # One that still has its shell belongs to another collection, which runs now and has its own limit.
        if [ "${guards_wait:=10}" = 0 ] || orphaned "${guard_line%/*}"; then
            printf 'guard %s stuck\n' "$1"
            return 1
        fi
        sleep "$tick"
        guards_wait=$((guards_wait - 1)) guards_left=$(list_stuck)
    done
    (
        name=$1 NICAMON_GUARD="${root-}$1;"
        export NICAMON_GUARD
        shift
        IFS=' ' read -r begun _ </proc/uptime
        text=$(exec "$@" 2>&1 </dev/null)
        status=$?
        IFS=' ' read -r ended _ </proc/uptime
        [ -n "${timed-}" ] && text="took $begun $ended
$text"
        text="guard $name $status
$text"
        # Written in one piece: the printf of bash writes line by line, the program printf does not. mksh has only the
        # program, which takes no more than 128 KiB.
        [ -n "${KSH_VERSION-}" ] && print -r -- "$text" && exit "$((status != 0))"
        if [ -n "${BASH_VERSION-}" ] && [ ${#text} -lt 4096 ]; then
            [ "$status" = 0 ] && exec printf '%s\n' "$text"
            (exec printf '%s\n' "$text")
        else
            printf '%s\n' "$text"
        fi
        exit "$((status != 0))"
    ) &
    guards="${guards-}$! $1
"
}

# list_stuck: prints the guarded commands that still live, `/proc/PID/environ:NICAMON_GUARD=NAME;` a line. Processes of
# other accounts do not count: anybody could give a process such a name, to keep us from that mount.
list_stuck() {
    set +f
    guard_files=
    for entry in /proc/[0-9]*; do
        # shellcheck disable=SC3067
        [ -O "$entry" ] && guard_files="$guard_files $entry/environ"
    done
    IFS=' '
    # shellcheck disable=SC2086
    grep -aHszo '^NICAMON_GUARD=.*' $guard_files | tr '\000' '\n'
    echo .
}

# orphaned PID: succeeds if the parent of a process is in another session.
orphaned() {
    read_parent "$1" || return
    guard_own=$guard_session
    # Where /proc hides the processes of other accounts, a parent that cannot be seen is not ours.
    ! read_parent "$guard_parent" || [ "$guard_session" != "$guard_own" ]
}

# read_parent PID: sets guard_parent and guard_session to those of a process; fails if there is no such process.
read_parent() {
    read -r guard_line 2>/dev/null <"/proc/$1/stat" || return
    guard_line=${guard_line##*) } guard_line=${guard_line#* }
    guard_parent=${guard_line%% *} guard_line=${guard_line#* }
    guard_line=${guard_line#* } guard_session=${guard_line%% *}
}

# wait_guarded TICKS: waits for all guarded commands. One that has not ended by then is killed; if it cannot be killed,
# it is left alone. For such a command it prints `guard NAME hung`, and fails. It sets `guards_failed` if a command
# hung or ended with another status than 0.
wait_guarded() {
    guards_failed=''
    [ -n "${guards-}" ] || return 0
    guard_pids='' guard_ended=0 guard_rest=$guards
    while [ -n "$guard_rest" ]; do
        guard_pids="$guard_pids ${guard_rest%% *}"
        guard_rest=${guard_rest#*'
'}
    done
    # It sleeps for one tick at a time, because its sleep outlives it. A trap could end a longer sleep, but not
    # always: a signal just before `wait`, or to a sleep that has not begun, has no effect.
    (
        while [ "$guard_ended" -lt "$1" ]; do sleep "$tick"; guard_ended=$((guard_ended + 1)); done
        kill_trees "$guard_pids"
    ) </dev/null >/dev/null 2>&1 &
    guard_watch=$!
    while [ -n "$guards" ]; do
        guard_line=${guards%%'
'*} guards=${guards#*'
'}
        wait "${guard_line%% *}" 2>/dev/null
        guard_status=$?
        # shellcheck disable=SC2034
        [ "$guard_status" = 0 ] || guards_failed=1
        [ "$guard_status" -gt 128 ] && printf 'guard %s hung\n' "${guard_line#* }" && guard_ended=1
    done
    # If it has begun to kill, it must finish.
    [ "$guard_ended" = 1 ] || kill -9 "$guard_watch" 2>/dev/null
    wait "$guard_watch" 2>/dev/null
    return "$guard_ended"
}

# kill_trees PIDS: kills processes and all their descendants. They are stopped first: a shell must not report that its
# child ended, nor start another child meanwhile.
kill_trees() {
    set +f
    doomed=$1 before='' IFS=' '
    while [ "$doomed" != "$before" ]; do
        before=$doomed
        # shellcheck disable=SC2086
        kill -STOP $doomed
        for entry in /proc/[0-9]*; do
            read -r line 2>/dev/null <"$entry/stat" || continue
            # shellcheck disable=SC2086
            set -- ${line##*) }
            case " $doomed " in *" ${entry#/proc/} "*) ;; *" $2 "*) doomed="$doomed ${entry#/proc/}" ;; esac
        done
    done
    # shellcheck disable=SC2086
    kill -9 $doomed
}

# decode NAME: sets `path` to a name of /proc/mounts without its octal escapes. printf %b would read `\0401`, which is a
# blank and a 1, as one character.
decode() {
    path='' rest=$1
    while :; do
        case $rest in *\\*) ;; *) break ;; esac
        path=$path${rest%%\\*} rest=${rest#*\\}
        case $rest in
        040*) path="$path " ;;
        011*) path="$path	" ;;
        012*) path="$path
" ;;
        043*) path="$path#" ;;
        134*) path="$path\\" ;;
        esac
        rest=${rest#???}
    done
    path=$path$rest
}

# Prints a line of the frame, and an empty one before it. In mksh printf is a program: it would be forked each time,
# and every user of the node could read the mark among its arguments.
if [ -n "${KSH_VERSION-}" ]; then
    frame_line() {
        print -r -- "
$mark $1"
    }
else
    frame_line() { printf '\n%s %s\n' "$mark" "$1"; }
fi

# The same on both streams. Where the reader is slow the shell waits here, and a tick would end the write of bash in
# the middle: the line would be lost, and the section with it.
frame_lines() {
    trap '' USR1
    frame_line "$1"
    frame_line "$1" >&2
    trap tick USR1
}

# Sets `up` to the seconds since the node was booted, by its own clock; to nothing where /proc does not tell.
read_uptime() { read -r up _ 2>/dev/null </proc/uptime || up=''; }

# bounded BYTES: passes so many bytes on; with 0 all of them, each piece as it comes.
bounded() {
    [ "$1" = 0 ] && exec cat
    exec head -c "$1"
}

# run NAME TICKS BYTES SCRIPT
run() {
    [ "$total" -ge "$deadline" ] && return
    frame_lines "begin $1"
    read_uptime
    section_begun=$up
    # The ticks that this probe has; it may divide them.
    limit=$((deadline - total))
    [ "$limit" -le "$2" ] || limit=$2
    (
        trap - HUP USR1
        trap 'frame_line "exit $?"' EXIT
        eval "$4"
    ) </dev/null | bounded "$3" &
    watched=$! ticks=0 reason=ok
    while :; do
        wait "$watched"
        # A tick ends the wait as well: only then does the process still exist.
        kill -0 "$watched" 2>/dev/null || break
        if [ "$ticks" -gt "$2" ] || [ "$total" -ge "$deadline" ]; then
            reason=timeout
            kill_session
            # bash tells of the killed job, and would do so in the next probe's errors. A tick ends this at the latest.
            wait "$watched" 2>/dev/null
            break
        fi
    done
    read_uptime
    frame_lines "close $1 $reason $section_begun $up"
}

finish() {
    kill "$ticker" 2>/dev/null
    trap '' USR1
    frame_line end
    exit 0
}
