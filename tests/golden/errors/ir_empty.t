# no graph at all
# run: burin-opt
=====
error:
input:3:1: error[E5003]: 'graph' is expected, not the end
1 error. `burin help E5003` explains.
