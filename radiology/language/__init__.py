"""The language of radiology reports: sections, sentences, facts and what clashes among them."""
