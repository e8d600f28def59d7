# Programs for the bare machine: 32-bit code, no host library, none of the host build's flags.

# The host's GCC, whatever compiler the host programs are built with.
find_program(FREESTANDING_CC gcc REQUIRED)
find_program(FREESTANDING_CXX g++ REQUIRED)

set(FREESTANDING_FLAGS
    -m32 -march=i486 -mno-mmx -mno-sse -ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none
    -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -O2 -Wall -Wextra -Werror)
set(FREESTANDING_CXX_FLAGS -std=c++20 -fno-exceptions -fno-rtti -fno-threadsafe-statics)

# freestanding_objects(VARIABLE SOURCES...): rules that compile the sources, and the list of the object files.
# Objects are named after their sources, so the order in which they are linked is the order given.
function(freestanding_objects variable)
    set(objects)
    foreach(source ${ARGN})
        cmake_path(GET source STEM stem)
        cmake_path(GET source EXTENSION extension)
        set(object ${CMAKE_CURRENT_BINARY_DIR}/${stem}.o)
        set(compile ${FREESTANDING_CXX} ${FREESTANDING_FLAGS} ${FREESTANDING_CXX_FLAGS})
        if(extension STREQUAL ".S")
            set(compile ${FREESTANDING_CC} ${FREESTANDING_FLAGS})
        endif()
        add_custom_command(
            OUTPUT ${object}
            COMMAND ${compile} -MD -MF ${object}.d -c ${source} -o ${object}
            DEPENDS ${source}
            DEPFILE ${object}.d
            COMMENT "Bare-metal ${stem}"
            VERBATIM)
        list(APPEND objects ${object})
    endforeach()
    set(${variable} ${objects} PARENT_SCOPE)
endfunction()
