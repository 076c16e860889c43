# Checks of #include lines: layers of common/, services apart from each other, libraries behind one module each.
# Arguments: lint.d/layers, lint.d/libraries, then the files. Prints file:line: what is wrong.
function finding(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; }
function base(path) { sub(/.*\//, "", path); sub(/\.[^.]*$/, "", path); return path; }
function folder(path) { sub(/\/[^\/]*$/, "", path); return path; }
function layer(name) {
    while (!(name in layers)) {
        if (name !~ /_/) return -1;
        sub(/_[^_]*$/, "", name);
    }
    return layers[name];
}
# A shell pattern with only * in it, as a regular expression.
function matches(path, pattern) {
    gsub(/[.+]/, "\\\\&", pattern);
    gsub(/\*/, ".*", pattern);
    return path ~ "^" pattern "$";
}
function exists(path,   line, there) {
    if (path in known) return known[path];
    there = (getline line < path) >= 0;
    close(path);
    return known[path] = there;
}

FILENAME == ARGV[1] { if ($1 ~ /^[0-9]+$/) for (i = 2; i <= NF; i++) layers[$i] = $1; next }
FILENAME == ARGV[2] {
    if ($0 !~ /^#/ && NF > 1) { library[++libraries] = $1; allowed[libraries] = ""; for (i = 2; i <= NF; i++) allowed[libraries] = allowed[libraries] " " $i }
    next
}
FNR == 1 && folder(FILENAME) == "common" && layer(base(FILENAME)) < 0 {
    finding("module " base(FILENAME) " is in no layer; tools/lint.d/layers lists them");
}
!/^#include/ { next }

/^#include *"/ {
    split($0, part, "\""); header = part[2];
    here = folder(FILENAME);
    if (here == "common") {
        if (!exists("common/" header) && header !~ /^(sql|lua|graphql_documents)\.h$/) {
            finding("common/ includes only its own headers, not \"" header "\"");
        } else if (layer(base(header)) > layer(base(FILENAME))) {
            finding("layer " layer(base(FILENAME)) " includes " header " of layer " layer(base(header)));
        }
    } else if (here !~ /^tests\// || here == "tests/fake-platform") {
        if (!exists(here "/" header) && !exists("common/" header) && header !~ /^(sql|lua|graphql_documents)\.h$/) {
            finding("a program includes common headers and its own, not \"" header "\"");
        }
    }
    next
}

/^#include *</ {
    header = $0; sub(/^#include *</, "", header); sub(/>.*/, "", header);
    if (FILENAME ~ /^tests\// && FILENAME !~ /^tests\/fake-platform\//) next;
    for (i = 1; i <= libraries; i++) {
        if (!matches(header, library[i])) continue;
        n = split(allowed[i], patterns, " "); ok = 0;
        for (j = 1; j <= n; j++) if (matches(FILENAME, patterns[j])) ok = 1;
        if (!ok) finding("<" header "> belongs to" allowed[i] " alone");
        break;
    }
}
