"""The judgement of each lesson: a module has one function for each exercise, with its name.

The function gets the student's `Answers`. It raises `Wrong` or `NotDone`, or returns what to say of a right answer; lines after the first
one show what the answer can do.
"""
