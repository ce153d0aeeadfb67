# What jq has and its library here does not: rows as text.
def escaped($from; $to): split($from) | join($to);

def @csv: map(
  if type == "string" then "\"" + escaped("\""; "\"\"") + "\""
  elif . == null then ""
  else tostring end) | join(",");

def @tsv: map(
  if type == "string" then
    escaped("\\"; "\\\\") | escaped("\t"; "\\t") | escaped("\n"; "\\n") | escaped("\r"; "\\r")
  elif . == null then ""
  else tostring end) | join("\t");
