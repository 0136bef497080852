"""What conf.py takes to make pages: most of it is Markdown, made at build time from the thing that it describes."""
