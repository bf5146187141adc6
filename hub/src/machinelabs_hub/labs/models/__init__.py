"""What the labs service talks about, frozen. Pure: no framework, no files, no clock."""
