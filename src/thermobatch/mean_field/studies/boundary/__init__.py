"""D6: does the noise keep samples away from the decision boundary?"""
