# Checks of C text: functions that are banned, files and functions that are too long, structs behind typedefs, a comment on top.
# Prints file:line: what is wrong.
function finding(line, text) { printf "%s:%d: %s\n", FILENAME, line, text; }
function end_of_file() {
    if (last_file != "" && last_line > 450) printf "%s:%d: %d lines: a file of more than 450 holds two ideas\n", last_file, last_line, last_line;
}
FNR == 1 {
    end_of_file();
    inside_comment = 0; start = 0;
    if ($0 !~ /^(\/\*|\/\/)/) finding(1, "starts without a comment that says what it is");
}
{
    last_file = FILENAME; last_line = FNR;
    code = $0;
    gsub(/"([^"\\]|\\.)*"/, "\"\"", code);
    if (inside_comment) { if (!sub(/.*\*\//, "", code)) next; inside_comment = 0; }
    gsub(/\/\*([^*]|\*[^\/])*\*\//, "", code);
    sub(/\/\/.*/, "", code);
    if (sub(/\/\*.*/, "", code)) inside_comment = 1;
}
$0 ~ /\t/ { finding(FNR, "a tab; four blanks indent"); }
$0 ~ /[ \t]$/ { finding(FNR, "blanks at the end of the line"); }
length($0) > 150 && FILENAME !~ /conf_table/ { finding(FNR, "line of " length($0) " characters"); }
code ~ /(^|[^a-zA-Z0-9_>.])(sprintf|vsprintf|strcpy|stpcpy|strcat|strncat|strncpy|strtok|atoi|atol|atoll|atof|gets|setlocale) *\(/ {
    finding(FNR, "calls a banned function; STYLE: snprintf, the functions of buf.h, strtol with its errors looked at");
}
code ~ /^typedef struct/ { finding(FNR, "a struct behind a typedef"); }

# A function's body begins with a brace in the first column or at the end of a line that starts there, and ends with one there.
code ~ /^[a-zA-Z_].*\)[^;]*\{ *$/ || code ~ /^\{/ { if (!start) start = FNR; }
code ~ /^\}/ {
    if (start && FNR - start > 80) finding(start, "function of " FNR - start " lines; 80 is the most");
    start = 0;
}
END { end_of_file(); }
