#!/bin/sh
# /proc/meminfo; where the kernel does not give MemAvailable (before 3.14), also what its estimate needs.
proc=${root-}/proc
available=
while read -r name value unit; do
    case $name in
    MemAvailable:) available=yes ;;
    MemTotal: | MemFree: | Cached: | Shmem: | SReclaimable: | Active\(file\): | Inactive\(file\): | SwapTotal: | SwapFree:) ;;
    *) continue ;;
    esac
    printf '%s %s %s\n' "$name" "$value" "$unit"
done <"$proc/meminfo" || exit 1
if [ -z "$available" ]; then
    printf 'PageSize: %s\n' "$(getconf PAGESIZE 2>/dev/null || echo 4096)"
    grep -s '^ *low ' "$proc/zoneinfo"
fi
echo end
