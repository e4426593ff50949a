#!/bin/sh
# A node's first process: makes the node out of the namespaces it was started in, then becomes sshd.
#
#   node.sh FOLDER NAMESPACE NAME ADDRESS SSHD LAYER...
#
# FOLDER is the farm's; the layers are folders in it, laid over each other in the node's /run/nicamon.
# Every mount is in the node's own mount namespace, so nothing of the machine changes.
set -eu
folder=$1 namespace=$2 name=$3 address=$4 sshd=$5
shift 5
own=/run/nicamon

# Gone when the farm was taken down in this very moment.
[ -e "$namespace" ]

# From here on the folder is "." only: the mounts on /run, /tmp and /home may hide its path.
cd "$folder"
echo "$name" >/proc/sys/kernel/hostname
ip -batch - <<END
link set lo up
address add $address/24 dev eth0
link set eth0 up
END

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd $own/work $own/spool
cp -a "$@" $own
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount --bind $own/home /home
mount --bind $own/opt /opt
mount --bind $own/spool /var/spool

# Where the machine's own root is an overlay (a container), /etc cannot be the base of another: copy it.
if ! mount -t overlay -o lowerdir=/etc,upperdir=$own/etc,workdir=$own/work overlay /etc 2>/dev/null; then
    cp -a /etc $own/whole
    cp -a --remove-destination $own/etc/. $own/whole
    mount --bind $own/whole /etc
fi
rm -f /etc/debian_version /etc/lsb-release
[ -e $own/etc/os-release ] || rm -f /etc/os-release
if [ -e /usr/lib/os-release ]; then
    mount --bind $own/os-release /usr/lib/os-release
fi

# shellcheck source=/dev/null
(. $own/launch)
: >"nodes/${name%%.*}/ready"
exec "$sshd" -D -e -f $own/sshd_config
