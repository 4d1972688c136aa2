# QEMU's boards. MLTK_MCU_CPU says which; without one, MLTK_MACHINE stays undefined.
#   machine, what its core is, vectors, flash, RAM, sizes of these, tick of the system timer in ps, its first serial
#   line (a UART of Arm's CMSDK), the number of that line's receive interrupt
# A Cortex-M0+ is not among QEMU's boards, but its instructions are a part of the Cortex-M3's. Where a core has
# TrustZone, the firmware is in its secure half, as after every reset.
set(machine_cortex-m0plus mps2-an385 "Cortex-M3" 0x0 0x400 0x20000000 4M 4M 40000 0x40004000 0)
set(machine_cortex-m3 ${machine_cortex-m0plus})
set(machine_cortex-m4 mps2-an386 "Cortex-M4" 0x0 0x400 0x20000000 4M 4M 40000 0x40004000 0)
set(machine_cortex-m7 mps2-an500 "Cortex-M7" 0x0 0x400 0x20000000 4M 4M 40000 0x40004000 0)
set(machine_cortex-m33 mps2-an505 "Cortex-M33" 0x10000000 0x10000400 0x38000000 4M 4M 50000 0x50200000 32)
set(machine_cortex-m55 mps3-an547 "Cortex-M55" 0x10000000 0x11000000 0x31000000 2M 4M 31250 0x59303000 33)
if(DEFINED machine_${MLTK_MCU_CPU})
  set(names MLTK_MACHINE MLTK_RUNS_ON MLTK_BOOT MLTK_FLASH MLTK_RAM MLTK_FLASH_BYTES MLTK_RAM_BYTES MLTK_TICK_PS
            MLTK_UART MLTK_UART_INTERRUPT)
  foreach(name value IN ZIP_LISTS names machine_${MLTK_MCU_CPU})
    set(${name} ${value})
  endforeach()
  set(MLTK_LINK_SCRIPT ${CMAKE_CURRENT_BINARY_DIR}/link.ld)
  configure_file(link.ld.in ${MLTK_LINK_SCRIPT} @ONLY)
endif()

# A program for the board: no C library where ours will do, the linker script. What the compiler calls comes last.
if(TARGET mltk_libc)
  set(CMAKE_CXX_STANDARD_LIBRARIES -lgcc)
else()
  set(CMAKE_CXX_STANDARD_LIBRARIES "-lc -lgcc")
endif()
function(make_bare target)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
  target_compile_definitions(${target} PRIVATE MLTK_TICK_PS=${MLTK_TICK_PS}u)
  if(NOT MLTK_MCU_FLOAT STREQUAL "soft")
    target_compile_definitions(${target} PRIVATE MLTK_COPROCESSORS)
  endif()
  target_link_options(${target} PRIVATE -nostartfiles -nostdlib -T ${MLTK_LINK_SCRIPT})
  target_link_libraries(${target} PRIVATE mltk_options)
  set_target_properties(${target} PROPERTIES SUFFIX .elf LINK_DEPENDS ${MLTK_LINK_SCRIPT})
endfunction()
