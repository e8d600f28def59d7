# shellcheck shell=bash
# Guests of Ringmaster: the emulator starts ringmaster.elf, that boots the guest from its disk.

# under_ringmaster "OPTIONS OF RINGMASTER" OPTIONS...: boots; what Ringmaster writes goes to $out/debug.
under_ringmaster() {
    local words=$1
    shift
    # shellcheck disable=SC2154
    boot --limit-time "${limit:-900s}" --cpu "${cpu:-pentium4}" --debugcon "file:$out/debug" \
        --kernel "$build/../../vmm/ringmaster.elf" --append "$words" "$@"
}

ringmaster_said() { grep -aqE -- "$1" <(tr -d '\r' <"$out/debug") || fail "Ringmaster did not say: $1"; }
ringmaster_never_said() { ! grep -aE -- "$1" <(tr -d '\r' <"$out/debug") || fail "Ringmaster said: $1"; }

# Every policy for the interrupt flag with every policy for paging.
all_policies() {
    local interrupts paging
    for paging in shadow guest; do
        for interrupts in shadow trap direct; do echo "if=$interrupts paging=$paging"; done
    done
}
