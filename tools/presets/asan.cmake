# Address and undefined-behaviour sanitizers in everything but the shim.
set(RS_VARIANT asan CACHE STRING "")
set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g" CACHE STRING "")
set(RS_SANITIZE "address,undefined" CACHE STRING "")
