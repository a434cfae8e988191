# Everyday work: optimised enough for fortify and for honest warnings, with symbols.
set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g" CACHE STRING "")
set(RS_TRAIN OFF CACHE BOOL "")
