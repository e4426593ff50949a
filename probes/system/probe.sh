#!/bin/sh
# What the node is: release files, kernel, processors, boot time. One grep reads them all.
proc=${root-}/proc
for name in osrelease hostname; do
    read -r line <"$proc/sys/kernel/$name" && printf '%s %s\n' "$name" "$line"
done
# el6 has /etc/redhat-release only; a minimal system may have /usr/lib/os-release only.
cd "${root-}/" || exit 1
grep -HsE '^(ID|NAME|VERSION_ID|PRETTY_NAME)=| release |^[0-9]+\.|^btime |^processor|^(model name|cpu model|cpu|Model)[[:space:]]*:' \
    etc/os-release usr/lib/os-release etc/oracle-release etc/centos-release etc/redhat-release etc/debian_version etc/alpine-release \
    proc/stat proc/cpuinfo
echo end
