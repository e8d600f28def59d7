# shellcheck shell=bash
# What a Linux guest with the initramfs of tools/images must have said, whichever way it was booted.

linux_came_up() {
    said "Linux version 6\..*-686"
    said "Guest is up: Linux"
    never_said "TEST FAIL"
    never_said "Kernel panic|BUG:|Oops|WARNING:|soft lockup|rcu.*stall|invalid opcode|general protection"
    said "TEST DONE"
}

# linux_by_kernel FLAVOUR COMMAND_LINE OPTIONS...: boots it by --kernel, lets it run all its tests.
linux_by_kernel() {
    local flavour=$1 arguments=$2
    shift 2
    images "kernel=kernel-$flavour" "initrd=initramfs-$flavour"
    # shellcheck disable=SC2154
    boot --limit-time "${limit:-900s}" --kernel "$kernel" --initrd "$initrd" \
        --append "console=ttyS0,115200 truering.test=${tests:-1} $arguments" "$@"
}
