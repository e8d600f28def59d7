# shellcheck shell=bash
# Images that packages of the host bring, ready to boot (tools/install guests).

packaged() {
    local package=$1 file=$2 target=$3
    [[ -e $file ]] || { note "$file is missing: install package $package"; return 75; }
    cp "$file" "$target"
}

# GRUB's floppy image ends with its last file; drives tell the kind of a floppy by its size.
packaged_floppy() {
    packaged "$@" && truncate -s 1440K "$3"
}
