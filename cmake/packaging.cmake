# What `cmake --install` puts on a system: programs, manual pages, shell completion, the configuration and the unit's script.
# The Debian package (scripts/package) is this tree and what packaging/debian adds.
include(GNUInstallDirs)
find_package(Python3 COMPONENTS Interpreter)

set(VISOR_RELEASE_DATE "" CACHE STRING "The date in the manual pages, YYYY-MM-DD; empty: the day of the build")
if(VISOR_RELEASE_DATE)
  set(page_date ${VISOR_RELEASE_DATE})
else()
  string(TIMESTAMP page_date "%Y-%m-%d" UTC)
endif()

set(package_folder ${CMAKE_BINARY_DIR}/package-files)
set(package_sources ${PROJECT_SOURCE_DIR}/packaging)
set(package_files "")
file(MAKE_DIRECTORY ${package_folder})

# package_file(<name> <program that it comes from> COMMAND <what prints it> [DEPENDS <files>])
macro(package_file name program)
  cmake_parse_arguments(FILE "" "" "COMMAND;DEPENDS" ${ARGN})
  # To another name first: a command that fails must not leave a file that looks made.
  add_custom_command(
    OUTPUT ${package_folder}/${name}
    COMMAND ${FILE_COMMAND} > ${package_folder}/${name}.new
    COMMAND ${CMAKE_COMMAND} -E rename ${package_folder}/${name}.new ${package_folder}/${name}
    DEPENDS ${program} ${FILE_DEPENDS}
    VERBATIM)
  list(APPEND package_files ${package_folder}/${name})
endmacro()

macro(manual_page name program)
  package_file(${name} ${program}
    COMMAND ${Python3_EXECUTABLE} ${package_sources}/man/make_man.py ${package_sources}/man/${name}.in
            --version ${PROJECT_VERSION} --date ${page_date} --program $<TARGET_FILE:${program}>
    DEPENDS ${package_sources}/man/make_man.py ${package_sources}/man/${name}.in)
endmacro()

manual_page(visord.8 visord)
manual_page(visor-config.yml.5 visord)
manual_page(visor.1 visor)
package_file(completion.bash visor COMMAND visor completion bash)
package_file(completion.zsh visor COMMAND visor completion zsh)
package_file(completion.fish visor COMMAND visor completion fish)
package_file(visor-config.yml visord
  COMMAND ${package_sources}/make_configuration $<TARGET_FILE:visord>
  DEPENDS ${package_sources}/make_configuration)

# Not part of a plain build: only an installation needs them, and a cross build can't run the programs.
add_custom_target(package_files DEPENDS ${package_files})

install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" --build \"${CMAKE_BINARY_DIR}\" --target package_files
                              COMMAND_ERROR_IS_FATAL ANY)")
install(TARGETS visord visor RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS ${package_sources}/serve DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/visor)
# visord looks there, whatever the prefix.
install(FILES ${package_folder}/visor-config.yml DESTINATION /etc/visor)
install(FILES ${package_folder}/visor.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${package_folder}/visor-config.yml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${package_folder}/visord.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${package_folder}/completion.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME visor)
install(FILES ${package_folder}/completion.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _visor)
install(FILES ${package_folder}/completion.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME visor.fish)
