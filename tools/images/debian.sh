# shellcheck shell=bash
# Packages of Debian 12 for i386, fetched and unpacked without the host's package database taking notice.

mirror=${TRUERING_MIRROR:-http://deb.debian.org/debian}

# apt for i386, with lists, cache and an empty status file of its own. Proxies and the like come from the host.
private_apt() {
    local tool=$1 root=$cache/apt
    shift
    mkdir -p "$root/lists/partial" "$root/archives/partial"
    : >>"$root/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main" >"$root/sources.list"
    "$tool" -qq -o APT::Architecture=i386 -o APT::Architectures::=i386 -o APT::Sandbox::User="$(id -un)" \
        -o Dir::Etc::sourcelist="$root/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State="$root" -o Dir::State::lists="$root/lists" -o Dir::State::status="$root/status" \
        -o Dir::Cache="$root" -o Dir::Cache::archives="$root/archives" "$@"
}

# Up to date within a day is enough: a point release of Debian comes every two months.
refresh_lists() {
    local stamp=$cache/apt/updated
    [[ -z $(find "$stamp" -mmin -1440 2>/dev/null) ]] || return 0
    private_apt apt-get -o APT::Update::Error-Mode=any update >&2 || {
        [[ ! -e $stamp ]] || return 0 # yesterday's lists may do
        note "$mirror cannot be reached from here; TRUERING_MIRROR names another mirror"
        return 75
    }
    touch "$stamp"
}

# unpacked PACKAGE: the folder that holds the files of a package, fetched if need be.
unpacked() {
    local package=$1 folder=$cache/packages/$1 file
    if [[ ! -e $folder/.complete ]]; then
        refresh_lists || return
        mkdir -p "$cache/download"
        (cd "$cache/download" && private_apt apt-get download "$package" >&2) || {
            note "package $package cannot be fetched from $mirror"
            return 75
        }
        file=$(find "$cache/download" -name "${package}_*.deb" | sort -V | tail -n 1)
        rm -rf "$folder"
        mkdir -p "$folder"
        dpkg-deb -x "$file" "$folder"
        rm -f "$file"
        touch "$folder/.complete"
    fi
    echo "$folder"
}

# kernel_package FLAVOUR: the package that the metapackage linux-image-FLAVOUR stands for today. Once found it is kept,
# so that kernel and modules stay together.
kernel_package() {
    local flavour=$1 name=$cache/kernel-package-$1
    if [[ ! -s $name ]]; then
        refresh_lists || return
        private_apt apt-cache depends --important "linux-image-$flavour" |
            sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1 >"$name"
        [[ -s $name ]] || { note "no linux-image-$flavour at $mirror"; return 75; }
    fi
    cat "$name"
}

kernel_tree() {
    local package
    package=$(kernel_package "$1") || return
    unpacked "$package"
}

debian_kernel() {
    local flavour=$1 target=$2 tree
    tree=$(kernel_tree "$flavour") || return
    cp "$tree"/boot/vmlinuz-* "$target"
}

debian_installer() {
    local file=$1 target=$2 tree
    tree=$(unpacked debian-installer-12-netboot-i386) || return
    cp "$(find "$tree" -path '*/text/debian-installer/i386/*' -name "$file")" "$target"
}
