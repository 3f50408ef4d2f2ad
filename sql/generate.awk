# generate.awk - writes the install script from functions.list.
#
# Why so many declarations: with one per type alone, PostgreSQL converts
# f(integer[], real[]) to f(real[], real[]), and 16777217 becomes 16777216.
#   one array     a declaration per type
#   two arrays    a declaration per pair of types
#   three arrays  a declaration per type of the first; the others are double
#                 precision[]

BEGIN {
	FS = " *[|] *"
	types = split("real|double precision|smallint|integer|bigint|numeric", type, "|")
	option["regularization"] = "text DEFAULT 'l2'"
	option["regularization_strength"] = "double precision DEFAULT 1.0"
	option["direction"] = "text DEFAULT 'asc'"
	option["standardize"] = "boolean DEFAULT false"
	print "-- softsort install script, generated from sql/functions.list; do not edit."
	print ""
	print "\\echo Use \"CREATE EXTENSION softsort\" to load this file. \\quit"
	print ""
	print "CREATE FUNCTION softsort_version() RETURNS text"
	print "\tAS 'MODULE_PATHNAME', 'softsort_version' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;"
	print "COMMENT ON FUNCTION softsort_version() IS 'version of the softsort library';"
}

/^#/ || /^$/ { next }

NF != 7 {
	print "functions.list:" FNR ": expected 7 fields, found " NF > "/dev/stderr"
	exit 1
}

{
	arrays = split($3, array, " ")
	if ($5 == "window") {
		declare("double precision", "double precision")
		next
	}
	for (i = 1; i <= types; i++) {
		for (j = 1; j <= types; j++) {
			if (arrays == 2 || i == j)
				declare(type[i], type[j])
		}
	}
}

# Write one declaration with the element types of the first and the second array.
function declare(first, second,    arguments, result, signature, brackets, flags, names, count, k)
{
	brackets = $5 == "window" ? "" : "[]"
	flags = $5 == "window" ? "WINDOW" : "STRICT"
	arguments = array[1] " " first brackets
	signature = first brackets
	for (k = 2; k <= arrays; k++) {
		arguments = arguments ", " array[k] " " (arrays == 2 ? second : "double precision") brackets
		signature = signature ", " (arrays == 2 ? second : "double precision") brackets
	}
	count = split($4, names, " ")
	for (k = 1; k <= count; k++) {
		if (!(names[k] in option)) {
			print "functions.list:" FNR ": no option \"" names[k] "\"" > "/dev/stderr"
			exit 1
		}
		arguments = arguments ", " names[k] " " option[names[k]]
		signature = signature ", " option[names[k]]
	}
	gsub(/ DEFAULT [^,]*/, "", signature)
	result = $5
	if (result == "array")
		result = (first == "real" && (arrays != 2 || second == "real") ? "real[]" : "double precision[]")
	if (result == "window")
		result = "double precision"
	if (result ~ /^\(/) {
		arguments = arguments ", " substr(result, 2, length(result) - 2)
		result = "record"
	}
	print ""
	print "CREATE FUNCTION " $1 "(" arguments ")"
	print "\tRETURNS " result
	print "\tAS 'MODULE_PATHNAME', '" $2 "' LANGUAGE C IMMUTABLE " flags " PARALLEL SAFE COST " $6 ";"
	gsub(/'/, "''", $7)
	print "COMMENT ON FUNCTION " $1 "(" signature ") IS '" $7 "';"
	gsub(/''/, "'", $7)
}
