"""Charts as SVG: geometry from plain numbers and dates; the stylesheet paints it by class. No Django here."""
