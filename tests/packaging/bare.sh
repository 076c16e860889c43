# shellcheck shell=bash
# Sourced by the proofs that begin with a Debian on which nothing was prepared (fresh, image): makes one in a directory, from the
# archive that this machine's own apt uses. They say in WORK where their own files are and define die. FRESH_CACHE=DIR keeps it.

# The archive whose address ends in /debian or /debian-security.
archive() { # ENDING
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sed 's|/*$||' | grep -m 1 -E "/$1\$"
}

make_bare_system() { # RELEASE DIR
    local mirror options=(--variant=minbase)
    mirror=$(archive debian) || die "apt has no source whose address ends in /debian"
    [[ $mirror != https:* ]] || options+=(--include=ca-certificates)
    if ! debootstrap "${options[@]}" "$1" "$2" "$mirror" >"$WORK/debootstrap.log" 2>&1; then
        tail -n 20 "$WORK/debootstrap.log" >&2
        die "debootstrap fails"
    fi
    rm -f "$2"/var/cache/apt/archives/*.deb
    {
        echo "deb $mirror $1 main"
        echo "deb $mirror $1-updates main"
        mirror=$(archive debian-security) && echo "deb $mirror $1-security main"
    } >"$2/etc/apt/sources.list"
}

# A copy of the one kept, or a new one, which is then kept.
bare_system() { # RELEASE DIR
    local kept=${FRESH_CACHE:+$FRESH_CACHE/$1.tar}
    mkdir "$2"
    if [ -n "$kept" ] && [ -s "$kept" ]; then
        tar -C "$2" --numeric-owner -xpf "$kept" || die "cannot unpack $kept"
        return
    fi
    make_bare_system "$1" "$2"
    [ -n "$kept" ] || return 0
    if ! { mkdir -p "$FRESH_CACHE" && tar -C "$2" --numeric-owner -cpf "$kept.$$" . && mv "$kept.$$" "$kept"; }; then
        die "cannot write $kept"
    fi
}

# How this machine's apt reaches its archives.
lend_network() { # DIR
    apt-config dump | grep -E '^Acquire::(https?|Retries|Check)[-:]' >"$1/etc/apt/apt.conf.d/90machine"
    cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
}

need_programs() {
    local program
    [ "$(id -u)" = 0 ] || die "only root may build a system and enter it"
    for program in debootstrap apt-get unshare setpriv "$@"; do
        command -v "$program" >/dev/null || die "$program is not installed"
    done
}
