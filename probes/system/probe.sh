#!/bin/sh
# What the node is: release files, kernel, processors, boot time. One grep reads them all.
proc=${root-}/proc
for name in osrelease hostname; do
    read -r line <"$proc/sys/kernel/$name" && printf '%s %s\n' "$name" "$line"
done
# el6 has /etc/redhat-release only, others before os-release files of their own; a minimal system may have
# /usr/lib/os-release only.
cd "${root-}/" || exit 1
lines='^(ID|NAME|VERSION|VERSION_ID|PRETTY_NAME|DISTRIB_DESCRIPTION)=| release |^[0-9]+\.|^SUSE|^openSUSE|^(ALT|Novell|Slackware|VMware) '
lines="$lines|^(VERSION|PATCHLEVEL) ?= ?[0-9]|^btime |^processor"
models='model name|Model Name|cpu model|cpu|Model|Hardware|Processor|CPU implementer|CPU part|vendor_id|uarch|isa|machine'
grep -HsE "$lines|^($models)[[:space:]]*:" \
    etc/os-release usr/lib/os-release etc/oracle-release etc/centos-release etc/redhat-release etc/system-release \
    etc/SuSE-release etc/lsb-release etc/debian_version etc/alpine-release etc/gentoo-release etc/altlinux-release \
    etc/slackware-version etc/photon-release proc/stat proc/cpuinfo
echo end
