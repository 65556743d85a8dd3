"""The data sets that a checkpoint is trained on: their layouts, their images, what is held out.

:func:`~inference.training.data.reading.read` reads a data set,
:func:`~inference.training.data.images.read_image` an image of it.
"""
