# shellcheck shell=bash
# Hard disk images: MBR, GRUB in the gap behind it, one or two partitions.

sector=512
first_partition=2048 # sectors; the gap before it holds GRUB's core

# partition_entry BOOTABLE TYPE START SECTORS: 16 bytes of a partition table. CHS fields say "see LBA".
partition_entry() {
    printf '%b' "\\x$1\\xfe\\xff\\xff\\x$2\\xfe\\xff\\xff"
    little_endian "$3"
    little_endian "$4"
}

little_endian() { # 32 bits
    printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"
}

put() { dd if="$1" of="$2" bs=$sector seek="$3" conv=notrunc,sparse status=none; } # put FILE IMAGE SECTOR

# grub_core FILE: a core image that finds /boot/grub/grub.cfg on partition 1 and needs no module from the disk.
grub_core() {
    local early
    early=$(mktemp)
    echo 'serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console' >"$early"
    grub-mkimage -O i386-pc -o "$1" -p '(hd0,msdos1)/boot/grub' -c "$early" \
        biosdisk part_msdos ext2 serial terminal linux multiboot normal configfile echo
    rm -f "$early"
}

# assemble_disk IMAGE PARTITION1 [PARTITION2]: partition images to a disk that boots from GRUB.
assemble_disk() {
    local image=$1 one=$2 two=${3-} core mbr start=$first_partition size total
    core=$(mktemp) mbr=$(mktemp)
    grub_core "$core"
    (($(stat -c %s "$core") < (first_partition - 1) * sector)) || { note "GRUB does not fit in the gap"; return 1; }
    size=$(($(stat -c %s "$one") / sector))
    total=$((start + size))
    {
        head -c 446 /usr/lib/grub/i386-pc/boot.img # it looks for the core at sector 1 already
        partition_entry 80 83 $start $size
        if [[ -n $two ]]; then
            partition_entry 00 83 $total $(($(stat -c %s "$two") / sector))
        fi
    } >"$mbr"
    truncate -s 510 "$mbr"
    printf '\x55\xaa' >>"$mbr"
    : >"$image"
    put "$mbr" "$image" 0
    put "$core" "$image" 1
    put "$one" "$image" $start
    if [[ -n $two ]]; then
        put "$two" "$image" $total
        total=$((total + $(stat -c %s "$two") / sector))
    fi
    local cylinder=$((16 * 63)) # whole cylinders, as emulators that think in CHS like it
    truncate -s $(((total + cylinder - 1) / cylinder * cylinder * sector)) "$image"
    rm -f "$core" "$mbr"
}

# boot_partition FILE FLAVOUR COMMAND_LINE: ext2 with GRUB's menu, kernel and initramfs.
boot_partition() {
    local file=$1 flavour=$2 arguments=$3 kernel initrd root
    kernel=$(made "kernel-$flavour") || return
    initrd=$(made "initramfs-$flavour") || return
    root=$(mktemp -d)
    mkdir -p "$root/boot/grub"
    cp "$kernel" "$root/boot/vmlinuz"
    cp "$initrd" "$root/boot/initrd"
    cat >"$root/boot/grub/grub.cfg" <<END
echo "GRUB found its menu."
linux /boot/vmlinuz console=ttyS0,115200 $arguments
initrd /boot/initrd
boot
END
    truncate -s 32M "$file"
    mke2fs -q -F -t ext2 -E root_owner=0:0 -d "$root" "$file"
    rm -rf "$root"
}

# The kernel by GRUB; it runs tests of the initramfs.
grub_disk_running() {
    local tests=$1 flavour=$2 target=$3 work
    work=$(mktemp -d)
    boot_partition "$work/boot" "$flavour" "truering.test=$tests" || return
    assemble_disk "$target" "$work/boot"
    rm -rf "$work"
}

# GRUB's menu with Ringmaster as a Multiboot kernel, which boots the second disk as its guest.
ringmaster_disk() {
    local target=$1 work
    [[ -f $ringmaster ]] || { note "no Ringmaster at $ringmaster; build it, or set RINGMASTER"; return 1; }
    work=$(mktemp -d)
    mkdir -p "$work/root/boot/grub"
    cp "$ringmaster" "$work/root/boot/ringmaster.elf"
    cat >"$work/root/boot/grub/grub.cfg" <<'END'
set timeout=1
menuentry "The second disk, under Ringmaster" {
    multiboot /boot/ringmaster.elf boot=hd1
}
END
    truncate -s 4M "$work/boot"
    mke2fs -q -F -t ext2 -E root_owner=0:0 -d "$work/root" "$work/boot"
    assemble_disk "$target" "$work/boot"
    rm -rf "$work"
}

# The kernel by GRUB; its root is ext4 on partition 2, where /sbin/init writes, reads back, and powers off.
ext4_disk() {
    local flavour=$1 target=$2 work busybox
    busybox=$(unpacked busybox-static) || return
    work=$(mktemp -d)
    boot_partition "$work/boot" "$flavour" "root=/dev/sda2" || return
    mkdir -p "$work/root"/{bin,data,dev,etc,proc,sbin,sys,tmp}
    cp "$busybox/bin/busybox" "$work/root/bin/"
    ln -s busybox "$work/root/bin/sh"
    install -m 755 "$here/guest-root-init" "$work/root/sbin/init"
    truncate -s 64M "$work/ext4"
    mke2fs -q -F -t ext4 -E root_owner=0:0 -d "$work/root" "$work/ext4"
    assemble_disk "$target" "$work/boot" "$work/ext4"
    rm -rf "$work"
}
