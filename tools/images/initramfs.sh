# shellcheck shell=bash
# An initramfs of BusyBox, the modules that a PC of ours needs, and guest-init (beside this file) as /init.

# In the order in which they must be loaded, after their dependencies.
guest_modules=(ata_piix ata_generic sd_mod sr_mod isofs ext4 crc32c_generic floppy ne2k-pci)

# Numbers that are the same everywhere, to be read back and summed in the guest.
known_file() { seq 1 40000; }

initramfs() {
    local flavour=$1 target=$2 tree busybox root version
    tree=$(kernel_tree "$flavour") || return
    busybox=$(unpacked busybox-static) || return
    version=$(basename "$tree"/lib/modules/*)
    depmod -b "$tree" "$version"

    root=$(mktemp -d)
    mkdir -p "$root"/{bin,dev,etc,lib/modules,mnt,proc,root,sys,tmp}
    cp "$busybox/bin/busybox" "$root/bin/"
    ln -s busybox "$root/bin/sh"
    install -m 755 "$here/guest-init" "$root/init"
    install -m 755 "$here/guest-tests" "$root/bin/guest-tests"
    known_file >"$root/etc/known-file"
    (cd "$root/etc" && md5sum known-file >known-file.md5)

    modprobe -d "$tree" -S "$version" --show-depends -a "${guest_modules[@]}" |
        sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' |
        while read -r module; do
            cp "$module" "$root/lib/modules/"
            basename "$module"
        done >"$root/lib/modules/load"

    (cd "$root" && find . -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc --owner=+0:+0 | gzip -9n) >"$target"
    rm -rf "$root"
}
