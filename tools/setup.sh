# Sourced by ./spos and ./test.sh: installs what is missing and builds what changed.
setup_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
native_build="$setup_root/build/native"
native_tests_build="$setup_root/build/native-tests"
export SPOS_NATIVE_DIR="$native_build/lib"
cli_dll="$setup_root/src/Spos.Cli/bin/Release/net10.0/spos.dll"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

say() { echo "spos: $*" >&2; }

# The package that has a file or a command, if that is not there.
ensure_packages() {
    local missing=()
    command -v g++ >/dev/null || missing+=(g++)
    command -v cmake >/dev/null || missing+=(cmake)
    command -v ninja >/dev/null || missing+=(ninja-build)
    [[ -e /usr/include/jpeglib.h ]] || missing+=(libjpeg-dev)
    [[ -e /usr/include/png.h ]] || missing+=(libpng-dev)
    [[ -e /usr/include/gif_lib.h ]] || missing+=(libgif-dev)
    [[ -e /usr/include/webp/demux.h ]] || missing+=(libwebp-dev)
    [[ -e /usr/include/dnnl.hpp ]] || compgen -G "/usr/include/*/dnnl.hpp" >/dev/null || missing+=(libdnnl-dev)
    if [[ "$*" == *--with-doctest* ]]; then
        [[ -e /usr/include/doctest/doctest.h ]] || missing+=(doctest-dev)
    fi
    if [[ "$*" == *--with-mpi* ]]; then
        command -v mpirun >/dev/null || missing+=(openmpi-bin)
        command -v mpicc >/dev/null || missing+=(libopenmpi-dev)
    fi
    if [[ "$*" == *--with-bundle* ]]; then
        [[ -e /usr/include/openssl/ssl.h ]] || missing+=(libssl-dev)
    fi
    if [[ "$*" == *--with-clang-format* ]]; then
        command -v clang-format >/dev/null || missing+=(clang-format)
    fi
    has_sdk || missing+=(dotnet-sdk-10.0)
    [[ ${#missing[@]} -eq 0 ]] && return

    if ! command -v apt-get >/dev/null; then
        say "these are missing, and there is no apt-get to install them: ${missing[*]}"
        exit 1
    fi
    local as_root=()
    if [[ $EUID -ne 0 ]]; then
        if ! command -v sudo >/dev/null; then
            say "run this as root: apt-get install ${missing[*]}"
            exit 1
        fi
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    local package
    for package in "${missing[@]}"; do
        if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null; then
            if [[ $package == dotnet-sdk-10.0 ]]; then
                say "this distribution has no package of the .NET 10 SDK: install it as https://learn.microsoft.com/dotnet/core/install/linux says, then run this again"
            else
                say "the package $package could not be installed"
            fi
            exit 1
        fi
    done
}

has_sdk() { command -v dotnet >/dev/null && dotnet --list-sdks | grep -q '^10\.'; }

# cached FOLDER NAME: a value that CMake keeps in a build folder.
cached() { sed -n "s/^$2:[A-Z]*=//p" "$1/CMakeCache.txt"; }

# Whether a build folder is this checkout's, and what it was configured with is still there. A copied or moved checkout brings
# one along that builds the old folder's sources.
is_configured() {
    [[ -e "$1/build.ninja" && -e "$1/CMakeCache.txt" ]] &&
        [[ "$(cached "$1" CMAKE_HOME_DIRECTORY)" -ef "$setup_root/native" && "$(cached "$1" CMAKE_CACHEFILE_DIR)" -ef "$1" ]] &&
        [[ -x "$(cached "$1" CMAKE_CXX_COMPILER)" && -x "$(cached "$1" CMAKE_MAKE_PROGRAM)" ]]
}

# build_cmake FOLDER WHAT [OPTION OF CMAKE]
build_cmake() {
    alone_at "$1"
    if ! is_configured "$1"; then
        rm -rf "$1"
        say "building $2 (a minute or two, once)"
        cmake -S "$setup_root/native" -B "$1" -G Ninja "${@:3}" >/dev/null
    fi
    if ! cmake --build "$1" >"$1/build.log" 2>&1 {lock}>&-; then
        cat "$1/build.log" >&2
        say "$2 could not be built"
        exit 1
    fi
    exec {lock}>&-
}

# alone_at PATH: waits while another command builds there. What is begun meanwhile must not keep $lock open, or it would keep others waiting.
alone_at() {
    mkdir -p "$(dirname "$1")"
    exec {lock}>"$1.lock"
    flock "$lock"
}

build_native() {
    build_cmake "$native_build" "the native libraries"
    build_mpi
}

# What several processes of a run need, where there is an MPI: with the one that there is, for MPIs differ. Nothing else needs it.
build_mpi() {
    local compiler library="$native_build/lib/libspos_mpi.so" built_by="$native_build/mpi-compiler"
    compiler="$(command -v mpicc)" || return 0
    compiler="$(readlink -f "$compiler") $("$compiler" --version 2>&1 | head -n 1) $(mpirun --version 2>/dev/null | head -n 1)"
    [[ -e $library && $library -nt $setup_root/native/mpi/mpi.c && $(cat "$built_by" 2>/dev/null) == "$compiler" ]] && return
    if mpicc -std=c11 -O2 -shared -fPIC -fvisibility=hidden "$setup_root/native/mpi/mpi.c" -o "$library.new" >"$native_build/mpi.log" 2>&1; then
        mv "$library.new" "$library"
        echo "$compiler" >"$built_by"
    else
        rm -f "$library"
        say "several processes of a run cannot work together: mpicc failed, see $native_build/mpi.log"
    fi
}

build_native_tests() { build_cmake "$native_tests_build" "the native tests" -DSPOS_TESTS=ON; }

run_native_tests() { ctest --test-dir "$native_tests_build" --output-on-failure --timeout 300 --parallel 2; }

# on_checking_driver COMMAND...: with the checking driver in the place of NVIDIA's. Its kernels are NVRTC's of CUDA 11.
on_checking_driver() {
    SPOS_CUDA_DIR="$native_build/lib/checking" LD_LIBRARY_PATH="$native_build/lib/checking${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$@"
}

has_nvrtc() { [[ $(ldconfig -p) == *libnvrtc.so.11.2* ]]; }

# dotnet takes seconds even to find that nothing changed: look at the files' times first.
build_cli() {
    alone_at "$setup_root/build/cli"
    # Kernels' files are in the program, and their launchers.
    if [[ -e "$cli_dll" ]] && [[ -z "$(find "$setup_root/src" "$setup_root/native/kernels" "$setup_root/native/toolchains" "$setup_root"/*.props -newer "$cli_dll" -not -path '*/bin/*' -not -path '*/obj/*' -type f -print -quit)" ]]; then
        exec {lock}>&-
        return
    fi
    local log
    log="$(mktemp)"
    if ! dotnet build "$setup_root/src/Spos.Cli" -c Release --nologo -v quiet >"$log" 2>&1 {lock}>&-; then
        cat "$log" >&2
        rm -f "$log"
        say "the program could not be built"
        exit 1
    fi
    rm -f "$log"
    touch "$cli_dll"
    exec {lock}>&-
}

# Versions of clang-format differ in details, so only continuous integration checks.
check_format() {
    find "$setup_root/native" "$setup_root/tests/fuzz" "$setup_root/tests/cluster" -name '*.h' -o -name '*.cpp' -o -name '*.cu' | sort | xargs clang-format --dry-run --Werror
}
