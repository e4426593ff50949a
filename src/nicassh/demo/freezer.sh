#!/bin/sh
# Control groups in the hierarchy `freezer`; run in a mount namespace of one's own.
#
#   freezer.sh check                   fail where the hierarchy cannot be had
#   freezer.sh enter NAME COMMAND...   run a command in the group, with the group as the root of what it sees
#   freezer.sh thaw NAME...            let frozen processes go on
#   freezer.sh remove NAME...          remove the groups and those below
set -eu
order=$1
shift
top=/sys/fs/cgroup/freezer

# The machine's own mounts stay below, hidden from those in this namespace alone.
mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
mkdir $top
if ! mount -t cgroup -o freezer freezer $top; then
    # Where it cannot be had, there is nothing in it to thaw or to remove.
    [ "$order" = thaw ] || [ "$order" = remove ]
    exit
fi

case $order in
enter)
    mkdir -p "$top/$1"
    echo 0 >"$top/$1/cgroup.procs"
    shift
    # A mount shows the root of its maker's namespace, so it takes another one.
    # shellcheck disable=SC2016
    exec unshare --cgroup /bin/sh -euc 'umount "$0"; mount -t cgroup -o freezer freezer "$0"; exec "$@"' $top "$@"
    ;;
thaw)
    for name; do
        [ ! -d "$top/$name" ] || find "$top/$name" -name freezer.state | while read -r state; do
            echo THAWED >"$state" || true
        done
    done
    ;;
remove)
    for name; do
        # The last process that was killed may take a moment to leave.
        tries=50
        while [ -d "$top/$name" ] && ! find "$top/$name" -depth -type d -exec rmdir {} + 2>/dev/null; do
            tries=$((tries - 1))
            [ $tries -gt 0 ] || { echo "the control group $name is still in use" >&2; exit 1; }
            sleep 0.1
        done
    done
    ;;
esac
