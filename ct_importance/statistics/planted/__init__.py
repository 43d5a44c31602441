"""Signs that were planted: are they used, are they shown, which metric knew?"""
