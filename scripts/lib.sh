# shellcheck shell=bash
# What the scripts beside this file share: messages, the lists of Debian packages, and their installation.
# Sourced, never run. Debian 12 is the one system it knows; elsewhere set VISOR_NO_INSTALL=1 and bring the tools yourself.
# shellcheck disable=SC2034  # much of this is for those who source the file

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
# Debian's own Python: the test packages below belong to it, and another one that comes first in PATH lacks them.
readonly python=/usr/bin/python3

# --- packages, one list a purpose ---------------------------------------------------------------------------------

# Boost 1.81 stands beside Debian's default 1.74, whose -dev packages exclude it (see announce_boost).
readonly packages_build=(
  clang-19 lld-19 cmake ninja-build pkg-config
  libboost1.81-dev libboost-json1.81-dev libboost-system1.81-dev
  libssl-dev libsqlite3-dev libcurl4-openssl-dev libpugixml-dev libyaml-cpp-dev
  libcli11-dev
)
# llvm-19 brings the symbolizer that makes a sanitizer's report readable.
readonly packages_test=(
  libgtest-dev libgmock-dev libclang-rt-19-dev llvm-19
  python3 python3-pytest python3-pytest-xdist python3-botocore python3-prometheus-client curl openssl strace
)
# schemathesis itself comes from PyPI (tests/api/requirements.txt).
readonly packages_api=(python3 python3-venv)
readonly packages_check=(
  clang-19 clang-format-19 clang-tidy-19 shellcheck python3
)
# The image's own contents (kernel, busybox, boot loader) are downloaded by scripts/demo-image and never installed.
readonly packages_image=(cpio gzip xorriso)
readonly packages_demo=(qemu-system-x86 "${packages_image[@]}")
# The kernel and busybox that run in the machine are downloaded by tests/kernel/make_guest and never installed.
readonly packages_kernel=(qemu-system-x86 cpio curl openssl python3-pytest)
# mmdebstrap, iproute2, strace and systemd (for systemd-analyze) are for the test of the package.
readonly packages_package=(
  debhelper dpkg-dev lintian man-db python3
  mmdebstrap iproute2 strace systemd
)
# qemu-system-common has qemu-storage-daemon, which logs every write to a disk; fuse3 gives that disk a name.
readonly packages_faults=(strace qemu-system-common fuse3 e2fsprogs util-linux faketime clang-19)
# What the guide's own commands use.
readonly packages_docs=(jq zstd xz-utils sslscan openssl curl python3 ca-certificates util-linux iproute2)

# The peers of the smuggling tests, and the slow clients.
readonly packages_abuse=(nginx-light haproxy apache2-bin slowhttptest openssl util-linux python3-pytest python3-botocore)

# What the real servers of the stores' tests are downloaded with and run on.
readonly packages_stores=(
  openjdk-17-jdk-headless maven python3-venv python3-botocore nginx-light iproute2
  swift-proxy swift-account swift-container swift-object
)

# iproute2 and util-linux give the run a network of its own. All else comes from PyPI (tests/openstack/requirements.txt).
readonly packages_openstack=(python3-venv python3-openstackclient python3-glanceclient iproute2 util-linux)

# wrk and bench_load make the load; uwsgi runs Glance.
readonly packages_bench=(wrk iproute2 util-linux openssl binutils python3)
readonly packages_bench_nginx=(nginx-light)
readonly packages_bench_glance=(glance-common python3-glance uwsgi-core uwsgi-plugin-python3)
readonly packages_bench_aws=(python3-venv python3-botocore)
readonly packages_bench_hdfs=(openjdk-17-jdk-headless maven)

# --- messages -----------------------------------------------------------------------------------------------------

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' plain=$'\e[0m'
else
  bold='' plain=''
fi

# say TEXT...: a headline on standard output.
say() { printf '\n%s==> %s%s\n' "$bold" "$*" "$plain"; }
# note TEXT...: a line of progress, on standard error so that it never mixes with a result.
note() { printf '    %s\n' "$*" >&2; }
# die TEXT...: the reason on standard error, then the end.
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}
# wrong_usage TEXT...: for an option or argument that the script does not know.
wrong_usage() {
  printf "%s: %s\nTry '%s --help'.\n" "${0##*/}" "$*" "$0" >&2
  exit 2
}

# --- installation -------------------------------------------------------------------------------------------------

installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# as_root COMMAND...: through sudo for anyone but root.
as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

# dpkg tells a line or two about each package; that is worth reading only if something goes wrong.
apt_install() {
  local log status=0
  log=$(mktemp)
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 -o Acquire::Retries=10 \
    install --no-install-recommends "$@" >"$log" 2>&1 </dev/null || status=$?
  ((status == 0)) || apt_complaint=$(tail -n 20 "$log")
  rm -f "$log"
  return "$status"
}

apt_update() { as_root apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=10 update >&2 </dev/null; }

# Says which packages apt is going to take away, because Debian lets only one Boost version's -dev files be installed.
announce_boost() {
  local old
  old=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 'libboost*-dev' 2>/dev/null |
    awk '$2 == "installed" && $1 !~ /1\.81/ {printf "%s ", $1}' || true)
  [[ -n $old ]] || return 0
  note "Boost 1.81 excludes the development files of other Boost versions. apt removes these in its favour:"
  note "  $old"
  note "(apt-get install libboost-dev brings the default version back later; programs linked to it keep working)"
}

# ensure_packages NAME...: installs those that are missing, and asks for no right at all if none is.
ensure_packages() {
  local missing=() name
  [[ -z ${VISOR_NO_INSTALL:-} ]] || return 0
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "these packages are installed with apt-get, which this system lacks: $*. Bring their equivalents" \
      "and set VISOR_NO_INSTALL=1."
  fi
  for name in "$@"; do
    [[ " ${missing[*]-} " == *" $name "* ]] || installed "$name" || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  note "installing: ${missing[*]}"
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    die "not root, and sudo is not there. As root run: apt-get install --no-install-recommends ${missing[*]}"
  fi
  case " ${missing[*]} " in *' libboost'*) announce_boost ;; esac
  # The package lists of a fresh system are empty and those of an old one name versions that are gone: try, refresh, try
  # again. Only the second failure is worth showing.
  if ! apt_install "${missing[@]}"; then
    apt_update || die "apt-get update failed (see above): is the network up and /etc/apt set for Debian 12?"
    apt_install "${missing[@]}" || {
      printf '%s\n' "$apt_complaint" >&2
      die "apt-get could not install: ${missing[*]}. They are all in Debian 12 (bookworm) and its updates."
    }
  fi
}

# --- packages that are unpacked, never installed ------------------------------------------------------------------

# The meta package names the kernel of the day.
cloud_kernel() {
  apt-cache depends linux-image-cloud-amd64 2>/dev/null |
    sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*-cloud-amd64\)$/\1/p' | head -n 1
}

# As root apt would hand the download to its own user, who may not write where we do.
download_now() {
  local folder=$1 kernel status=0
  shift
  kernel=$(cloud_kernel)
  [[ -n $kernel ]] || {
    apt_complaint="apt knows no current linux-image-cloud-amd64; as root run apt-get update"
    return 1
  }
  rm -f "$folder"/*.deb
  apt_complaint=$(cd "$folder" && apt-get -qq -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=10 \
    download "$kernel" "$@" 2>&1 >/dev/null) || status=$?
  return "$status"
}

# download_with_kernel FOLDER NAME...: Debian's cloud kernel and the packages NAME, as files in FOLDER. Where that fails,
# the reason is in apt_complaint.
download_with_kernel() {
  ! download_now "$@" || return 0
  ((EUID == 0)) || command -v sudo >/dev/null || return 1
  apt_update || {
    apt_complaint="apt-get update failed"
    return 1
  }
  download_now "$@"
}

# --- time ---------------------------------------------------------------------------------------------------------

# took SECONDS: "7 s" or "3 min 07 s".
took() {
  if (($1 < 60)); then
    printf '%d s' "$1"
  else
    printf '%d min %02d s' $(($1 / 60)) $(($1 % 60))
  fi
}
