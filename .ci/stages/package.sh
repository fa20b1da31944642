#!/usr/bin/env bash
# Both crates, as they would be published, carry their licences and texts and nothing unexpected.
source "$(dirname "$0")/../lib.sh"
need_rust

# check_list PACKAGE FILE...: these must be in; nothing but sources, tests and texts may be.
check_list() {
    local package=$1 file list
    shift
    list=$(cargo package -p "$package" --list --allow-dirty)
    say "$package: $(wc -l <<<"$list") files"
    for file in "$@"; do
        grep -qxF "$file" <<<"$list" || die "$package lacks $file"
    done
    if grep -vE '^((src|tests|examples)/.*\.rs|[A-Za-z.-]+(\.rs|\.md|\.toml|\.toml\.orig))$' \
        <<<"$list" | grep -vxE 'LICENSE-(MIT|APACHE)|Cargo\.lock|\.cargo_vcs_info\.json'; then
        die "$package carries the files above, which have no place in it"
    fi
}
check_list edgewake-sys Cargo.toml build.rs README.md LICENSE-MIT LICENSE-APACHE src/lib.rs
check_list edgewake Cargo.toml build.rs README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE \
    src/lib.rs tests/tidy.rs
# edgewake itself cannot be built as packaged before the edgewake-sys it names is published.
CARGO_TARGET_DIR=$CI_DIR/package cargo package -p edgewake-sys --allow-dirty
