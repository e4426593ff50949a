#!/bin/sh
# Local file systems. Only these are asked for their size, each by its own path, so that a hung NFS or FUSE mount is
# never touched (df would look at every mount). One that lies below such a mount, or that a program serves (fuseblk:
# NTFS, exFAT), is asked under guard.
newline='
'
mounts=${root-}/proc/mounts
away=$newline disks='' memory='' far=''
while read -r device point type options _; do
    line="$device $point $type $options$newline"
    # What a node without a disk has as its root, unless another file system lies on it.
    [ "$point" = / ] && memory=''
    if may_hang "$type"; then
        away=$away$point$newline
        case $type-$device in fuseblk-/dev/*) disks=$disks$line ;; esac
        continue
    fi
    case $point in /proc/* | /sys/*) continue ;; esac
    case $type in
    rootfs)
        [ "$point" = / ] && memory=$line
        continue
        ;;
    squashfs | iso9660 | udf | erofs | cramfs | romfs) continue ;;
    tmpfs | ramfs) case $point in / | /tmp | /var | /var/tmp | /home | /scratch) ;; *) continue ;; esac ;;
    overlay) [ "$point" = / ] || continue ;;
    zfs) ;;
    *)
        is_pseudo "$type" && continue
        case $device in /*) ;; *) continue ;; esac
        ;;
    esac
    disks=$disks$line
done <"$mounts" || exit 1
disks=$disks$memory
[ -z "$disks" ] && exit 77

# Whether a mount point is one that may hang, or lies below one.
below() {
    for other in $away; do
        case $1/ in "${other%/}"/*) return ;; esac
    done
    return 1
}

IFS=$newline
set -f --
for line in $disks; do
    printf 'mount %s\n' "$line"
    point=${line#* } && type=${point#* } && point=${point%% *}
    # A newline in a name would let it print a size line of its own.
    case $point in *\\012*) continue ;; esac
    decode "$point"
    # shellcheck disable=SC2154
    if below "$point"; then
        [ ${#far} -lt 16 ] && far=$far. && start_guarded "disk $point" stat -f -c 'size %S %b %f %a %c %d %n' -- "${root-}$path"
    else
        set -- "$@" "${root-}$path"
    fi
done
# A mount that the account may not look at gives no line, and its sizes stay unknown.
[ $# -gt 0 ] && stat -f -c 'size %S %b %f %a %c %d %n' -- "$@" 2>/dev/null
[ -n "$far" ] && wait_guarded 4
echo end
