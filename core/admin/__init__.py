"""What all back-office screens are built from: records, acts on them, timelines, filters, exports. No screens."""
