#!/bin/sh
# Local file systems. Only these are asked for their size, each by its own path, so that a hung NFS or
# FUSE mount is never touched (df would look at every mount).
mounts=${root-}/proc/mounts
set --
while read -r device point type options _; do
    case $type in
    nfs* | cifs | smb* | fuse* | afs | lustre | gpfs | ceph | 9p | autofs | squashfs | iso9660 | udf | erofs) continue ;;
    zfs) ;;
    overlay) [ "$point" = / ] || continue ;;
    *) case $device in /*) ;; *) continue ;; esac ;;
    esac
    printf 'mount %s %s %s %s\n' "$device" "$point" "$type" "$options"
    # A newline in a name would let it print a size line of its own.
    case $point in *\\012*) continue ;; esac
    decode "$point"
    # shellcheck disable=SC2154
    set -- "$@" "${root-}$path"
done <"$mounts" || exit 1
[ $# -eq 0 ] && exit 77
# A mount that the account may not look at gives no line, and its sizes stay unknown.
stat -f -c 'size %S %b %f %a %c %d %n' -- "$@" 2>/dev/null
echo end
