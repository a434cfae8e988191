# Thread sanitizer: the ring, the snapshots, the queues.
set(RS_VARIANT tsan CACHE STRING "")
set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g" CACHE STRING "")
set(RS_SANITIZE "thread" CACHE STRING "")
