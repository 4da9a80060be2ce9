/// The themes that are always there, as the files in themes/ spell them (a test holds them alike): the program is one file and finds them
/// wherever it is copied to.
enum BuiltinThemes {
    static let all: [(name: String, text: String)] = [
        ("dark", dark), ("light", light), ("basic", basic), ("colour-blind", colourBlind),
    ]

    private static let dark = """
        # Kastellan's own dark theme: calm greys, one blue, colour only where something is meant.
        # The format is k9s's: any k9s skin can stand here.
        k9s:
          body:
            fgColor: "#c9d1d9"
            bgColor: default
            logoColor: "#e3b341"
          prompt:
            fgColor: "#e6edf3"
            bgColor: default
            suggestColor: "#6e7681"
          info:
            fgColor: "#c9d1d9"
            sectionColor: "#8b949e"
          dialog:
            fgColor: "#c9d1d9"
            bgColor: "#161b22"
            buttonFgColor: "#c9d1d9"
            buttonBgColor: "#30363d"
            buttonFocusFgColor: "#0d1117"
            buttonFocusBgColor: "#79c0ff"
            labelFgColor: "#79c0ff"
            fieldFgColor: "#ffffff"
          frame:
            border:
              fgColor: "#484f58"
              focusColor: "#388bfd"
            menu:
              fgColor: "#8b949e"
              keyColor: "#79c0ff"
              numKeyColor: "#d2a8ff"
            crumbs:
              fgColor: "#0d1117"
              bgColor: "#8b949e"
              activeColor: "#79c0ff"
            status:
              newColor: "#79c0ff"
              modifyColor: "#e3b341"
              addColor: "#7ee787"
              pendingColor: "#f0b72f"
              errorColor: "#ff7b72"
              highlightColor: "#a5d6ff"
              killColor: "#d2a8ff"
              completedColor: "#8b949e"
            title:
              fgColor: "#c9d1d9"
              bgColor: default
              highlightColor: "#e3b341"
              counterColor: "#79c0ff"
              filterColor: "#7ee787"
          views:
            charts:
              bgColor: default
              defaultChartColors:
                - "#3fb950"
                - "#e3b341"
            table:
              fgColor: "#c9d1d9"
              bgColor: default
              cursorFgColor: "#0d1117"
              cursorBgColor: "#79c0ff"
              markColor: "#e3b341"
              header:
                fgColor: "#8b949e"
                bgColor: default
                sorterColor: "#79c0ff"
            yaml:
              keyColor: "#79c0ff"
              colonColor: "#8b949e"
              valueColor: "#a5d6ff"
            logs:
              fgColor: "#c9d1d9"
              bgColor: default
              indicator:
                fgColor: "#79c0ff"
                bgColor: default
                toggleOnColor: "#7ee787"
                toggleOffColor: "#8b949e"

        """

    private static let light = """
        # For bright terminals: dark ink on white.
        k9s:
          body:
            fgColor: "#1f2328"
            bgColor: "#ffffff"
            logoColor: "#7d4e00"
          prompt:
            fgColor: "#1f2328"
            bgColor: "#ffffff"
            suggestColor: "#6e7781"
          info:
            fgColor: "#1f2328"
            sectionColor: "#57606a"
          dialog:
            fgColor: "#1f2328"
            bgColor: "#f0f3f6"
            buttonFgColor: "#1f2328"
            buttonBgColor: "#d0d7de"
            buttonFocusFgColor: "#ffffff"
            buttonFocusBgColor: "#0550ae"
            labelFgColor: "#0550ae"
            fieldFgColor: "#000000"
          frame:
            border:
              fgColor: "#8c959f"
              focusColor: "#0969da"
            menu:
              fgColor: "#57606a"
              keyColor: "#0550ae"
              numKeyColor: "#6639ba"
            crumbs:
              fgColor: "#ffffff"
              bgColor: "#57606a"
              activeColor: "#0550ae"
            status:
              newColor: "#0550ae"
              modifyColor: "#7d4e00"
              addColor: "#116329"
              pendingColor: "#7d4e00"
              errorColor: "#a40e26"
              highlightColor: "#0550ae"
              killColor: "#6639ba"
              completedColor: "#57606a"
            title:
              fgColor: "#1f2328"
              bgColor: "#ffffff"
              highlightColor: "#953800"
              counterColor: "#0550ae"
              filterColor: "#116329"
          views:
            charts:
              bgColor: "#ffffff"
              defaultChartColors:
                - "#1a7f37"
                - "#9a6700"
            table:
              fgColor: "#1f2328"
              bgColor: "#ffffff"
              cursorFgColor: "#ffffff"
              cursorBgColor: "#0550ae"
              markColor: "#953800"
              header:
                fgColor: "#57606a"
                bgColor: "#ffffff"
                sorterColor: "#0550ae"
            yaml:
              keyColor: "#0550ae"
              colonColor: "#57606a"
              valueColor: "#0a3069"
            logs:
              fgColor: "#1f2328"
              bgColor: "#ffffff"
              indicator:
                fgColor: "#0550ae"
                bgColor: "#ffffff"
                toggleOnColor: "#116329"
                toggleOffColor: "#57606a"

        """

    private static let basic = """
        # The sixteen colours that every terminal has, as its user has set them.
        k9s:
          body:
            fgColor: default
            bgColor: default
            logoColor: yellow
          prompt:
            fgColor: white
            bgColor: default
            suggestColor: silver
          info:
            fgColor: default
            sectionColor: teal
          dialog:
            fgColor: default
            bgColor: default
            buttonFgColor: black
            buttonBgColor: silver
            buttonFocusFgColor: black
            buttonFocusBgColor: aqua
            labelFgColor: aqua
            fieldFgColor: white
          frame:
            border:
              fgColor: silver
              focusColor: aqua
            menu:
              fgColor: default
              keyColor: aqua
              numKeyColor: fuchsia
            crumbs:
              fgColor: black
              bgColor: silver
              activeColor: aqua
            status:
              newColor: aqua
              modifyColor: yellow
              addColor: lime
              pendingColor: yellow
              errorColor: red
              highlightColor: aqua
              killColor: fuchsia
              completedColor: silver
            title:
              fgColor: default
              bgColor: default
              highlightColor: yellow
              counterColor: aqua
              filterColor: lime
          views:
            charts:
              bgColor: default
              defaultChartColors:
                - lime
                - yellow
            table:
              fgColor: default
              bgColor: default
              cursorFgColor: black
              cursorBgColor: aqua
              markColor: yellow
              header:
                fgColor: white
                bgColor: default
                sorterColor: aqua
            yaml:
              keyColor: aqua
              colonColor: default
              valueColor: default
            logs:
              fgColor: default
              bgColor: default
              indicator:
                fgColor: aqua
                bgColor: default
                toggleOnColor: lime
                toggleOffColor: silver

        """

    private static let colourBlind = """
        # Blue and orange with steps of brightness, after Okabe and Ito: told apart with protanopia, deuteranopia and tritanopia.
        k9s:
          body:
            fgColor: "#e0e0e0"
            bgColor: "#101418"
            logoColor: "#f0e442"
          prompt:
            fgColor: "#ffffff"
            bgColor: "#101418"
            suggestColor: "#9aa0a6"
          info:
            fgColor: "#e0e0e0"
            sectionColor: "#9aa0a6"
          dialog:
            fgColor: "#e0e0e0"
            bgColor: "#1c2229"
            buttonFgColor: "#e0e0e0"
            buttonBgColor: "#3a424b"
            buttonFocusFgColor: "#000000"
            buttonFocusBgColor: "#56b4e9"
            labelFgColor: "#56b4e9"
            fieldFgColor: "#ffffff"
          frame:
            border:
              fgColor: "#5a646e"
              focusColor: "#56b4e9"
            menu:
              fgColor: "#b0b6bc"
              keyColor: "#56b4e9"
              numKeyColor: "#f0e442"
            crumbs:
              fgColor: "#000000"
              bgColor: "#9aa0a6"
              activeColor: "#56b4e9"
            status:
              newColor: "#56b4e9"
              modifyColor: "#f0e442"
              addColor: "#8fd3ff"
              pendingColor: "#f0e442"
              errorColor: "#ff9e4a"
              highlightColor: "#ffffff"
              killColor: "#e69f00"
              completedColor: "#9aa0a6"
            title:
              fgColor: "#e0e0e0"
              bgColor: "#101418"
              highlightColor: "#f0e442"
              counterColor: "#56b4e9"
              filterColor: "#e69f00"
          views:
            charts:
              bgColor: "#101418"
              defaultChartColors:
                - "#56b4e9"
                - "#e69f00"
            table:
              fgColor: "#e0e0e0"
              bgColor: "#101418"
              cursorFgColor: "#000000"
              cursorBgColor: "#56b4e9"
              markColor: "#f0e442"
              header:
                fgColor: "#b0b6bc"
                bgColor: "#101418"
                sorterColor: "#56b4e9"
            yaml:
              keyColor: "#56b4e9"
              colonColor: "#9aa0a6"
              valueColor: "#f0e442"
            logs:
              fgColor: "#e0e0e0"
              bgColor: "#101418"
              indicator:
                fgColor: "#56b4e9"
                bgColor: "#101418"
                toggleOnColor: "#56b4e9"
                toggleOffColor: "#9aa0a6"

        """
}
