"""As short as a script can be."""

print("hello")
