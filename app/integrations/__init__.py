"""Other systems that Clearance works with; one module or package per outside system."""
