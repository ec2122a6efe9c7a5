#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Runs a command of the project in a bare Debian, as on a machine that was just set up: what the package lists of cmake/setup.sh leave
# out is missing there.
#
#   tests/bare.sh SUITE COMMAND...        bookworm ./demo.sh
#
# The command sees a clone of the committed HEAD and nothing of this system but its kernel and its way to the packages (apt's settings,
# certificates, name service). Status: the command's, or 77 where no bare system can be made: not root, no debootstrap, no packages.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '3,9s/^# \{0,1\}//p' "$0" && exit 2; }
suite=$1
shift
project=$(cd "$(dirname "$0")/.." && pwd)

skip() {
	echo "skipped: no bare Debian ($suite) can be made here: $*"
	exit 77
}
[ "$(id -u)" = 0 ] || skip "it takes root"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"
# Mounts of this script's own, which end with it
if [ -z "${BURIN_BARE_MOUNTS:-}" ]; then
	unshare --mount true 2>/dev/null || skip "mounting is not allowed"
	BURIN_BARE_MOUNTS=1 exec unshare --mount --propagation private "$0" "$suite" "$@"
fi

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
debootstrap --variant=minbase "$suite" "$root" >"$work/log" 2>&1 || { tail -n 3 "$work/log" && skip "debootstrap failed"; }
cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
rm -f "$root"/etc/apt/apt.conf.d/docker-* # they delete what was downloaded, and expect paths of containers
mkdir -p "$root/etc/ssl/certs"
cp -a /etc/ssl/certs/. "$root/etc/ssl/certs/" 2>/dev/null || true
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
for folder in dev proc; do
	mount --rbind /$folder "$root/$folder" || skip "mounting is not allowed"
done
git clone -q "$project" "$root/project" # --rbind of the source would show untracked files, too

status=0
chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb CI=true \
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	sh -c 'cd /project && exec "$@"' sh "$@" </dev/null || status=$?
umount -l -R "$root/dev" "$root/proc"
exit $status
