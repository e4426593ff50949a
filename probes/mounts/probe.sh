#!/bin/sh
# Network and FUSE mounts, each asked by a process of its own, all at once and never waited for; and those of the
# kind that fstab lists. Triggers of autofs are not touched. Without such mounts nothing is forked.
newline='
'
most=64
shown=$newline points=$newline number=0
# shellcheck disable=SC2034
timed=yes

remote() {
    case $1 in
    # Of each desktop session, or of containers: local, and not for others to look at.
    fuse.gvfsd-fuse | fuse.portal | fuse.lxcfs) return 1 ;;
    # Triggers of autofs are told below, disks that a program serves by the probe `disks`.
    autofs | fuseblk) return 1 ;;
    esac
    may_hang "$1"
}

# The mount point with this name is none to ask any more: another file system lies on it.
cover() {
    case $points in
    *"$newline$1$newline"*) points=${points%%"$newline$1$newline"*}$newline${points#*"$newline$1$newline"} ;;
    esac
}

while read -r source point type options _; do
    if remote "$type"; then
        cover "$point"
        points=$points$point$newline
    elif [ "$type" = autofs ]; then
        # systemd has triggers of its own on every node, and they lead to local file systems.
        case $point in /proc/* | /boot | /boot/* | /efi) continue ;; esac
        cover "$point"
    else
        case $shown in *"$newline$point$newline"*) cover "$point" && printf 'over %s\n' "$point" ;; esac
        continue
    fi
    shown=$shown$point$newline
    printf 'mount %s %s %s %s\n' "$source" "$point" "$type" "$options"
done <"${root-}/proc/mounts" || exit 1

if [ -r "${root-}/etc/fstab" ]; then
    while read -r source point type options _ || [ -n "$source" ]; do
        case $source in \#*) continue ;; esac
        remote "$type" || continue
        shown=$shown$point$newline
        printf 'fstab %s %s %s %s\n' "$source" "$point" "$type" "$options"
    done <"${root-}/etc/fstab"
fi
[ "$shown" = "$newline" ] && exit 77

IFS=$newline
set -f
for point in $points; do
    # A newline in an error message would be a line of its own, and a long one could mingle with another's.
    case $point in *\\012*) printf 'unchecked %s its name holds a newline\n' "$point" && continue ;; esac
    [ ${#point} -gt 1000 ] && printf 'unchecked %s its name is too long\n' "$point" && continue
    number=$((number + 1))
    [ "$number" -gt "$most" ] && printf 'unchecked %s only %s mounts of a node are asked\n' "$point" "$most" && continue
    decode "$point"
    # shellcheck disable=SC2154
    start_guarded "mount $point" stat -f -c 'size %S %b %f %a %c %d' -- "${root-}$path"
done
wait_guarded 5
echo end
