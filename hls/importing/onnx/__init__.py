"""ONNX and QONNX files, and through them Brevitas and FINN, read without any of their packages.

``wire`` reads the bytes and ``model`` makes plain data of them. ``operators`` says once what each ONNX operator means,
for tensors that lie in whatever order of axes; ``exact`` makes a FixedGraph of it and ``plain``, where no types are
stated, layers of Keras that ``qtrigger quantize`` takes.
"""
