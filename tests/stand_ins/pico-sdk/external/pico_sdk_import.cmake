# Of the Pico SDK's build what the project uses.
set(STAND_IN ${CMAKE_CURRENT_LIST_DIR}/..)

macro(pico_sdk_init)
  add_library(pico_stdlib STATIC ${STAND_IN}/source/hardware.cpp)
  target_include_directories(pico_stdlib PUBLIC ${STAND_IN}/include)
  foreach(name clocks dma irq pio)
    add_library(hardware_${name} INTERFACE)
  endforeach()
endmacro()

function(pico_enable_stdio_usb target on)
  if(NOT TARGET ${target})
    message(FATAL_ERROR "there is no target ${target}")
  endif()
endfunction()

function(pico_add_extra_outputs target)
endfunction()
