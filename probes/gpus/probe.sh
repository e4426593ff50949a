#!/bin/sh
# What NVIDIA's own program tells, one question at a time and under guard: it hangs where a card or the driver does.
newline='
'
fields=index,uuid,pci.bus_id,name,driver_version,utilization.gpu,utilization.memory,memory.total,memory.used
fields=$fields,temperature.gpu,power.draw,power.limit,ecc.errors.uncorrected.volatile.total
fields=$fields,ecc.errors.uncorrected.aggregate.total,mig.mode.current,gpu_recovery_action
few=index,uuid,pci.bus_id,name,driver_version,utilization.gpu,memory.total,memory.used,temperature.gpu

# Sets `answer` to what a question gives: `guard nvidia-smi STATUS`, and below it the output.
ask() {
    answer=$(
        start_guarded nvidia-smi nvidia-smi "$@"
        wait_guarded 12
    )
}

# Takes out of the list the field that the answer says is not known: one fails the whole question. Where it names
# none of ours, the few that every driver knows have to do.
shorten() {
    field=${answer#*'Field "'} && field=${field%%'"'*} list=,$fields,
    case $list in
    *",$field,"*) fields=${list%%",$field,"*},${list#*",$field,"} && fields=${fields#,} && fields=${fields%,} ;;
    *) fields=$few few='' ;;
    esac
}

# Whether a card of NVIDIA is on the bus: a node may have the program in its image and no card.
card() {
    for device in "${root-}"/sys/bus/pci/devices/*; do
        read -r vendor 2>/dev/null <"$device/vendor" || continue
        read -r class 2>/dev/null <"$device/class" || continue
        case $vendor-$class in 0x10de-0x03*) return ;; esac
    done
    return 1
}

# Prints the owner of each process whose id stands second in a line of the answer, and the accounts.
owners() {
    IFS=$newline uids=''
    set -f
    for line in $answer; do
        pid=${line#*, } && pid=${pid%%,*}
        case $pid in '' | *[!0-9]*) continue ;; esac
        [ -r "${root-}/proc/$pid/status" ] || continue
        while IFS=' 	' read -r word _ uid _; do
            [ "$word" = Uid: ] && printf 'owner %s %s\n' "$pid" "$uid" && uids=$uids$newline$uid && break
        done <"${root-}/proc/$pid/status"
    done
    [ -n "$uids" ] || return
    # Without getent (busybox), or below a test's root, the local accounts have to do.
    # shellcheck disable=SC2086
    if [ -z "${root-}" ] && command -v getent >/dev/null; then getent passwd $uids; else cat "${root-}/etc/passwd"; fi
}

while [ -n "$fields" ]; do
    ask --query-gpu="$fields" --format=csv
    case $answer in "guard nvidia-smi 2"*) shorten ;; *) break ;; esac
done
case $answer in
*hung) echo "nvidia-smi gave no answer in 12 s" >&2 && exit 1 ;;
*stuck) echo "an earlier nvidia-smi still hangs" >&2 && exit 1 ;;
*"${newline}index, "*) ;;
*)
    printf '%s\n' "${answer#*"$newline"}" >&2
    card && exit 1
    exit 77
    ;;
esac
printf 'cards\n%s\n' "$answer"
case $answer in *', Enabled'*) ask -L && printf 'parts\n%s\n' "$answer" ;; esac
ask --query-compute-apps=gpu_uuid,pid,used_gpu_memory,process_name --format=csv
# What processes are called comes last: a name may hold newlines, and lines that pass for any of the others.
echo owners
owners
printf 'processes\n%s\nend\n' "$answer"
