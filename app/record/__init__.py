"""What concerns log and business rows together: whether they agree, and erasing a person."""
