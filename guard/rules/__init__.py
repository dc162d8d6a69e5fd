"""One rule a file, named after the offence. A file that has no RULE, or cannot be loaded, stops every judgement."""
