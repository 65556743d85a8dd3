"""Studies: finding and reading DICOM files."""
